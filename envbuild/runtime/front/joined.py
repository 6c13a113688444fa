"""Send the head and the body of an answer with one system call, as one segment.

uvicorn writes each message of an application at once, which wakes the client twice and costs as much as building both.
"""

from __future__ import annotations

from typing import Any

COPIED = 1 << 16
"""Bytes up to which putting parts together costs less than a second call."""


class Joined:
    """Stands in for the transport of a uvicorn request while a block sends; what was written is sent at its end.

    Where the request is not uvicorn's, or others stand between, it does nothing.
    """

    __slots__ = ("_cycle", "_parts", "_transport")

    def __init__(self, send: Any) -> None:
        cycle = getattr(send, "__self__", None)
        self._cycle: Any = cycle if hasattr(cycle, "transport") else None
        self._parts: list[bytes] = []

    def __enter__(self) -> None:
        if self._cycle is not None:
            self._transport: Any = self._cycle.transport
            self._cycle.transport = self

    def __exit__(self, *error: Any) -> None:
        if self._cycle is not None:
            self._cycle.transport = self._transport
            self._flush()

    def write(self, data: bytes) -> None:
        """Hold it."""
        self._parts.append(data)

    def close(self) -> None:
        """Send what is held, and close."""
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection is being closed."""
        return bool(self._transport.is_closing())

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if sum(map(len, parts)) > COPIED:
            for part in parts:
                self._transport.write(part)
        elif parts:
            self._transport.write(b"".join(parts))
