"""The workers, and who of them is asked what.

A worker gets as many requests as it can work on at a time, or a batch. One that ends, or whose prediction takes too
long, is replaced; what it was asked is answered all the same.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import Any

from ..settings import Settings
from ..wire import Answer, Ready, Request
from .job import BusyError, Job, LateError, LostError
from .metrics import Metrics
from .waiting import Waiting
from .workers import Worker, ending, launch

logger = logging.getLogger("envbuild_runtime")

TRIES = 3
"""How often in a row a worker may fail to load before the server gives up."""


class Pool:
    """All workers of this server."""

    def __init__(self, settings: Settings, metrics: Metrics, give_up: Callable[[int], None]) -> None:
        self._settings = settings
        self._metrics = metrics
        self._give_up = give_up
        self._numbers = itertools.count(1)
        self._waiting = Waiting(settings.batch_size, settings.batch_delay, self._dispatch)
        self._workers: list[Worker] = []
        self._replacing: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._closing = False
        self.loaded = False
        """A worker has loaded once."""
        self.about: dict[str, Any] = {}
        """What a worker said of the model or script."""

    @property
    def ready(self) -> bool:
        """Whether a worker has the model loaded now."""
        return any(worker.ready for worker in self._workers)

    @property
    def loaded_process(self) -> int | None:
        """The id of a process that has the model loaded."""
        return next((worker.pid for worker in self._workers if worker.ready), None)

    @property
    def waiting(self) -> int:
        """How many requests wait for a worker."""
        return len(self._waiting)

    async def start(self, first: Any = None) -> None:
        """Start the workers; `first` is the launch of one that is under way already."""
        await self._add(first)
        for _ in range(1, self._settings.workers):
            await self._add()

    async def grow(self, count: int) -> None:
        """Start workers until there are `count`."""
        while len(self._workers) < count and not self._closing:
            await self._add()

    async def ask(self, request: Request, gone: Callable[[], bool]) -> Job:
        """Have a worker answer; return the job when its first answer is there.

        Raises BusyError, LateError, LostError, or GoneError where `gone` said so when the request's turn came.
        """
        if not self.loaded or self._waiting.full(self._settings.queue):
            raise BusyError
        request.number = next(self._numbers)
        job = Job(request, gone)
        self._waiting.add(job)
        self._dispatch()
        await job.future
        return job

    async def close(self) -> None:
        """End all workers, gently where they let themselves be."""
        self._closing = True
        self._waiting.fail(LostError())
        await asyncio.gather(*(worker.end() for worker in self._workers))

    async def _add(self, launched: Any = None) -> None:
        launched = launched if launched is not None else launch()
        worker = Worker(self._settings, self._heard, self._over)
        self._workers.append(worker)
        await worker.connect(launched)

    def _dispatch(self) -> None:
        """Give waiting requests to workers that have room."""
        while self._waiting:
            worker = min((each for each in self._workers if each.room), key=lambda each: len(each.jobs), default=None)
            jobs = self._waiting.take() if worker is not None else []
            if worker is None or not jobs:
                return
            worker.ask(jobs, self._expired)

    def _heard(self, worker: Worker, said: Answer | Ready) -> None:
        if isinstance(said, Ready):
            self.loaded, self.about, self._failures = True, said.about, 0
            self._metrics.load_seconds.set(said.seconds)
            self._metrics.workers.set(sum(each.ready for each in self._workers))
            logger.info("worker %d loaded in %.2f s", worker.pid, said.seconds, extra={"seconds": said.seconds})
        else:
            job = worker.jobs.get(said.number)
            if job is not None:
                job.answer(said)
                if not said.more:
                    worker.done(job)
                elif not job.gone():
                    # A stream that nobody hears any more gets no further time.
                    worker.clock(job, self._expired)
        if worker.retiring and not worker.jobs:
            worker.kill()
        self._dispatch()

    def _expired(self, worker: Worker, jobs: list[Job]) -> None:
        """The clock of a batch ran out. Only the one that takes too long is told so; that shows when each is alone."""
        jobs = [job for job in jobs if job.request.number in worker.jobs]
        self._metrics.timeouts.inc()
        logger.error(
            "a prediction took longer than %g s: worker %d is replaced",
            self._settings.timeout,
            worker.pid,
            extra={"request_id": jobs[0].request.headers.get("x-request-id", "") if len(jobs) == 1 else ""},
        )
        for job in jobs:
            worker.done(job)
        worker.retiring = True
        if len(jobs) == 1:
            jobs[0].fail(LateError())
        else:
            self._again(jobs, LateError())
        if not worker.jobs:
            worker.kill()

    def _over(self, worker: Worker, code: int) -> None:
        """A worker's process ended."""
        self._workers.remove(worker)
        self._metrics.workers.set(sum(each.ready for each in self._workers))
        jobs = list(worker.jobs.values())
        if self._closing:
            for job in jobs:
                job.fail(LostError())
            return
        if not worker.loaded and not worker.retiring:
            logger.error("worker %d ended %s while it loaded", worker.pid, ending(code))
            self._missed(code)
        elif not worker.retiring:
            logger.error("worker %d ended %s: it is replaced", worker.pid, ending(code))
        self._metrics.restarts.inc()
        if len(jobs) > 1 and self._settings.batch_size > 1:
            self._again(jobs, LostError(ending(code)))
        else:
            for job in jobs:
                job.fail(LostError(ending(code)))
        task = asyncio.ensure_future(self._replace())
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)

    async def _replace(self) -> None:
        while True:
            await asyncio.sleep(2.0**self._failures - 1.0)
            if self._closing:
                return
            try:
                await self._add()
            except OSError as error:
                # Too many processes, or no memory for another.
                logger.error("a worker cannot be started: %s", error.strerror)
                self._missed(1)
            else:
                return

    def _missed(self, code: int) -> None:
        """A worker could not be had; `code` is its exit code."""
        self._failures += 1
        if not self.loaded or self._failures >= TRIES:
            self._give_up(code if code > 0 else 1)

    def _again(self, jobs: list[Job], problem: Exception) -> None:
        """Ask the requests of a batch again, one by one; those whose answer has begun are told of the problem."""
        for job in jobs:
            if job.future.done():
                job.fail(problem)
        self._waiting.again(job for job in jobs if not job.future.done())
        self._dispatch()
