"""How often an errand to a registry may fail, how long to wait in between, and the errors that this is about."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..errors import EnvbuildError, NetworkError

_ATTEMPTS = 4
_MOST_FAILURES = 40  # of one errand, however much it gets on in between
_PATIENCE = 30.0  # seconds that a server's Retry-After may ask for


class UnreachableError(NetworkError):
    """A registry does not answer now: it may do so later, and what the cache knows may stand in."""


class StoppedError(EnvbuildError):
    """Another part of the same errand failed. Never shown."""


class BrokenError(EnvbuildError):
    """One attempt failed in a way that the next one may not. `message` is the reason alone.

    `wait` is the seconds that the server asks for before the next, 0 where it says nothing.
    """

    def __init__(self, message: str, *, hint: str = "", wait: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.wait = wait


class Patience:
    """How often one errand may fail, and how long to wait in between."""

    def __init__(self, stop: threading.Event, pause: Callable[[float], object], what: str) -> None:
        self._stop = stop
        self._pause = pause
        self._what = what
        self._in_a_row = 0
        self._total = 0

    def progressed(self) -> None:
        """Something arrived: the count of failures in a row begins anew."""
        self._in_a_row = 0

    def failed(self, reason: str, *, wait: float = 0.0, hint: str = "") -> None:
        """Wait before the next attempt; `wait` is what the server asks for. UnreachableError when enough is enough."""
        self._in_a_row += 1
        self._total += 1
        if wait > _PATIENCE:
            raise UnreachableError(
                f"{self._what}: {reason}, and asks to wait {wait:.0f} seconds", hint=hint or "try again later"
            )
        if self._in_a_row >= _ATTEMPTS or self._total >= _MOST_FAILURES:
            raise UnreachableError(
                f"{self._what}: {reason} (tried {self._total} times)",
                hint=hint or "check the network and the proxy variables, and try again",
            )
        if self._stop.is_set():
            raise StoppedError("stopped")
        self._pause(min(max(wait, 0.4 * 2 ** (self._in_a_row - 1)), _PATIENCE))
        if self._stop.is_set():
            raise StoppedError("stopped")
