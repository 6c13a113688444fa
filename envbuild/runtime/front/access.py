"""The line that each request leaves in the log.

There is one for every request, so in JSON it is written without the machinery of `logging`.
Its level is that of the logger `envbuild_runtime.access`.
"""

from __future__ import annotations

import logging
import sys
import time
from contextlib import suppress
from typing import Any

import orjson

logger = logging.getLogger("envbuild_runtime.access")


class Access:
    """Writes the lines of one server."""

    def __init__(self, form: str) -> None:
        self._json = form == "json"
        self._second = 0
        self._stamp = ""

    def __call__(self, method: str, route: str, status: int, seconds: float, size: int, rows: int, name: str) -> None:
        """Log a request: its method, route, status, time, the bytes and rows of its answer, and its identifier."""
        if not logger.isEnabledFor(logging.INFO):
            return
        milliseconds = round(seconds * 1000, 3)
        message = f"{method} {route} {status} {milliseconds:.3f}ms {size}"
        if not self._json:
            logger.info("%s", message, extra={"request_id": name})
            return
        if not name.isascii():
            # Some of the other characters end a line for some readers.
            name = name.encode("ascii", "backslashreplace").decode("ascii")
        # Only the name can hold what JSON has to escape: methods are those that the parser knows, routes our own.
        line = (
            f'{{"time":"{self._now()}","level":"INFO","logger":"{logger.name}","message":"{message}",'
            f'"method":"{method}","route":"{route}","status":{status},"ms":{milliseconds},"bytes":{size},'
            f'"rows":{rows},"request_id":{orjson.dumps(name).decode()}}}\n'
        ).encode()
        stream: Any = sys.__stderr__
        with suppress(OSError, ValueError, AttributeError):
            stream.buffer.write(line)
            stream.buffer.flush()

    def _now(self) -> str:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second, self._stamp = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._stamp}.{int((now - second) * 1000):03d}Z"
