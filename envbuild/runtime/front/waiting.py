"""The requests that wait for a worker, and which of them are asked together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from .job import GoneError, Job

LOOK = 0.1
"""Seconds after which a full queue is searched again for requests whose client is gone."""


class Waiting:
    """A queue of requests that is taken from in batches."""

    def __init__(self, size: int, delay: float, due: Callable[[], None]) -> None:
        """Batches have up to `size` requests; `due` is called when one that was not full has waited for `delay` s."""
        self._size = size
        self._delay = delay
        self._due = due
        self._jobs: deque[Job] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._looked = 0.0

    def __len__(self) -> int:
        return len(self._jobs)

    def full(self, limit: int) -> bool:
        """Whether `limit` requests wait, after those whose client is gone have left."""
        if len(self._jobs) < limit:
            return False
        now = asyncio.get_running_loop().time()
        if now - self._looked > LOOK:
            self._looked = now
            here: deque[Job] = deque()
            for job in self._jobs:
                if job.gone():
                    job.fail(GoneError())
                else:
                    here.append(job)
            self._jobs = here
        return len(self._jobs) >= limit

    def add(self, job: Job) -> None:
        """Put a request at the end."""
        self._jobs.append(job)

    def again(self, jobs: Iterable[Job]) -> None:
        """Put requests at the front, in their order, each to be asked alone."""
        for job in reversed(list(jobs)):
            job.alone = True
            self._jobs.appendleft(job)

    def take(self) -> list[Job]:
        """Return the next requests to be asked together, in their order; none while it is worth waiting for more.

        Those whose client is gone are dropped.
        """
        while self._jobs and not (self._size > 1 and self._delay and not self._full()):
            jobs = self._batch()
            if jobs:
                return jobs
        return []

    def fail(self, problem: Exception) -> None:
        """Give up all of them."""
        for job in self._jobs:
            job.fail(problem)
        self._jobs.clear()

    def _batch(self) -> list[Job]:
        jobs: list[Job] = []
        while len(jobs) < self._size and self._jobs and not (jobs and (jobs[0].alone or self._jobs[0].alone)):
            job = self._jobs.popleft()
            if job.future.done():
                continue
            if job.gone():
                job.fail(GoneError())
            else:
                jobs.append(job)
        return jobs

    def _full(self) -> bool:
        """Whether the batch is to be sent off: it is full, or its first request has waited long enough."""
        loop = asyncio.get_running_loop()
        first = self._jobs[0]
        if len(self._jobs) >= self._size or first.alone:
            return True
        if not first.started:
            first.started = loop.time()
        left = first.started + self._delay - loop.time()
        if left <= 0:
            return True
        if self._timer is None or self._timer.cancelled() or self._timer.when() <= loop.time():
            self._timer = loop.call_later(left, self._due)
        return False
