"""One worker: its process, its socket, and the requests that it works on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..settings import Settings
from ..wire import Answer, Frames, Ready, pack_request, unpack_answer

if TYPE_CHECKING:
    from .job import Job

PATIENCE = 2.0
"""Seconds that a process has to end by itself."""


def launch() -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a worker's process; return it and this side's end of its socket."""
    ours, theirs = socket.socketpair()
    package = __name__.split(".", maxsplit=1)[0]
    try:
        command = [sys.executable, "-m", f"{package}.worker", str(theirs.fileno())]
        # In a session of its own, so that Ctrl-C reaches this process alone, which lets the worker finish.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True, env=dict(os.environ)
        )
    finally:
        theirs.close()
    ours.setblocking(False)
    return process, ours


class Clock:
    """The time that is left for a batch."""

    __slots__ = ("handle", "jobs", "left")

    def __init__(self, handle: asyncio.TimerHandle, jobs: list[Job]) -> None:
        self.handle = handle
        self.jobs = jobs
        self.left = len(jobs)
        """How many requests of the batch are not done."""


class Worker(asyncio.Protocol):
    """A process that holds the model."""

    def __init__(
        self,
        settings: Settings,
        heard: Callable[[Worker, Answer | Ready], None],
        over: Callable[[Worker, int], None],
    ) -> None:
        self._settings = settings
        self._heard = heard
        self._over = over
        self._frames = Frames()
        self._transport: Any = None
        self._process: subprocess.Popen[bytes] | None = None
        self._clocks: dict[int, Clock] = {}
        self._batches = 0
        self._ended: asyncio.Future[int] | None = None
        self._ending: asyncio.Task[None] | None = None
        self.jobs: dict[int, Job] = {}
        self.loaded = False
        """It has said so once."""
        self.ready = False
        """It has loaded and listens."""
        self.retiring = False
        """It gets no further requests, and ends when the last is done."""

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid if self._process is not None else 0

    @property
    def room(self) -> bool:
        """Whether it can take a request or a batch."""
        return self.ready and not self.retiring and self._batches < self._settings.concurrency

    async def connect(self, launched: tuple[subprocess.Popen[bytes], socket.socket]) -> None:
        """Listen to a process that `launch` started."""
        self._process, connection = launched
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        await loop.create_connection(lambda: self, sock=connection)

    def ask(self, jobs: list[Job], expired: Callable[[Worker, list[Job]], None]) -> None:
        """Send requests, as one batch."""
        frames = []
        for left, job in zip(range(len(jobs) - 1, -1, -1), jobs):  # noqa: B905 (Python 3.9)
            job.request.more = left
            self.jobs[job.request.number] = job
            frames.append(pack_request(job.request))
        self._transport.write(b"".join(frames) if len(frames) > 1 else frames[0])
        self._batches += 1
        loop = asyncio.get_running_loop()
        clock = Clock(loop.call_later(self._settings.timeout, expired, self, jobs), jobs)
        for job in jobs:
            self._clocks[job.request.number] = clock

    def clock(self, job: Job, expired: Callable[[Worker, list[Job]], None]) -> None:
        """Start the clock of a request and its batch anew: a part of its answer is there."""
        clock = self._clocks.get(job.request.number)
        if clock is not None:
            clock.handle.cancel()
            loop = asyncio.get_running_loop()
            clock.handle = loop.call_later(self._settings.timeout, expired, self, clock.jobs)

    def done(self, job: Job) -> None:
        """Strike a request off, answered or given up."""
        self.jobs.pop(job.request.number, None)
        clock = self._clocks.pop(job.request.number, None)
        if clock is not None:
            clock.left -= 1
            if not clock.left:
                clock.handle.cancel()
                self._batches -= 1

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.kill()

    async def end(self) -> None:
        """Close the socket, at which the process ends when it has answered; kill it if it does not."""
        if self._transport is not None:
            self._transport.close()
        if self._ended is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._ended), PATIENCE)
                return
            self.kill()
            await self._ended

    def connection_made(self, transport: Any) -> None:
        """Asyncio has the socket."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """The worker says something."""
        for head, body in self._frames.feed(data):
            said = unpack_answer(head, body)
            if isinstance(said, Ready):
                self.loaded = self.ready = True
            self._heard(self, said)

    def connection_lost(self, error: Exception | None) -> None:
        """The worker's process ended, or is about to."""
        self.ready = False
        self._ending = asyncio.ensure_future(self._bury())

    async def _bury(self) -> None:
        process = self._process
        assert process is not None
        for pause in (0.0, 0.001, 0.01, 0.05, *([0.1] * int(PATIENCE * 10))):
            await asyncio.sleep(pause)
            if process.poll() is not None:
                break
        else:
            process.kill()
            await asyncio.get_running_loop().run_in_executor(None, process.wait)
        for clock in self._clocks.values():
            clock.handle.cancel()
        code = process.returncode
        self._over(self, code)
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(code)


def ending(code: int) -> str:
    """Return how a process ended, in words."""
    if code >= 0:
        return f"with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    return f"by {name}" + (", as the kernel does where memory is out" if code == -signal.SIGKILL else "")
