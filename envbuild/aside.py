"""One piece of work beside another: what waits for a network beside what keeps a processor busy."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

from .progress import Phase, Progress, Summary

_T = TypeVar("_T")


class Aside(Generic[_T]):
    """Work in a thread of its own; a context manager that leaves no thread behind.

    When it is stopped, or the context is left by an exception, the work is given up at the next thing it tells its
    `Progress`, and its own outcome is forgotten.
    """

    def __init__(self, progress: Progress) -> None:
        self._listener = _Stoppable(progress)
        self._thread: threading.Thread | None = None
        self._outcome: list[_T] = []
        self._error: BaseException | None = None

    def __enter__(self) -> Aside[_T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            if kind is not None:
                self.stop()
            self._thread.join()

    @property
    def started(self) -> bool:
        """Whether there is something to wait for."""
        return self._thread is not None

    def start(self, work: Callable[[Progress], _T]) -> None:
        """Begin `work`, once. It tells all it does to the progress that it is given."""
        from .threads import share_arena

        def run() -> None:
            try:
                self._outcome.append(work(self._listener))
            except BaseException as error:
                self._error = error

        share_arena()
        self._thread = threading.Thread(target=run, name="aside", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Give the work up: nobody asks for its outcome any more. Leaving the context waits for its end."""
        self._listener.stopped = True

    def result(self) -> _T:
        """Wait for the work and give what it gave, or raise what it raised."""
        assert self._thread is not None
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._outcome[0]


class _Stopped(BaseException):
    """Ends work that nobody waits for."""


class _Stoppable(Progress):
    """Passes on what it is told, until it is stopped."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.stopped = False

    def _check(self) -> None:
        if self.stopped:
            raise _Stopped

    def start(self, phase: Phase, what: str = "", *, total: int = 0) -> None:
        self._check()
        self._progress.start(phase, what, total=total)

    def advance(self, phase: Phase, amount: int = 1, *, what: str = "") -> None:
        self._check()
        self._progress.advance(phase, amount, what=what)

    def done(self, phase: Phase, summary: Summary) -> None:
        self._check()
        self._progress.done(phase, summary)

    def note(self, message: str) -> None:
        self._check()
        self._progress.note(message)

    def warn(self, message: str) -> None:
        self._check()
        self._progress.warn(message)
