"""A request on its way through the server, and the ways in which it can fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from ..wire import Answer, Request

BACKLOG = 64 << 20
"""Bytes of a streamed answer that wait for a client that reads slowly; with more the answer is broken off."""


class BusyError(Exception):
    """Too many requests wait, or no worker has loaded yet."""


class GoneError(Exception):
    """The client closed the connection before its request was worked on."""


class LateError(Exception):
    """The prediction took longer than it may."""


class LostError(Exception):
    """The worker's process ended while it worked on the request."""


class SlowError(Exception):
    """The client reads a streamed answer too slowly."""


class Job:
    """A request on its way, and what has been answered."""

    __slots__ = ("alone", "answers", "future", "gone", "held", "request", "started")

    def __init__(self, request: Request, gone: Callable[[], bool]) -> None:
        self.request = request
        self.gone = gone
        """Tells whether the client has left."""
        self.future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.answers: asyncio.Queue[Answer | Exception] | None = None
        """The further parts of a streamed answer."""
        self.held = 0
        """How many bytes of them wait to be sent."""
        self.alone = False
        """Not to be put into a batch: one that it was in came to grief."""
        self.started = 0.0

    def answer(self, answer: Answer) -> None:
        """Take an answer or a part of one."""
        if self.answers is not None:
            # The worker does not wait for a client: it would be held by it.
            if self.held <= BACKLOG:
                self.held += len(answer.body)
                slow = SlowError("its client reads too slowly") if self.held > BACKLOG else None
                self.answers.put_nowait(slow or answer)
        elif not self.future.done():
            if answer.more:
                self.answers = asyncio.Queue()
            self.future.set_result(answer)

    def fail(self, problem: Exception) -> None:
        """Give up."""
        if self.answers is not None:
            self.answers.put_nowait(problem)
        elif not self.future.done():
            self.future.set_exception(problem)

    async def rest(self) -> AsyncIterator[bytes]:
        """Give the further parts of a streamed answer."""
        while self.answers is not None:
            part = await self.answers.get()
            if isinstance(part, Exception):
                raise part
            self.held -= len(part.body)
            if part.failed:
                raise LostError("in the middle of its answer")
            if part.body:
                yield part.body
            if not part.more:
                return
