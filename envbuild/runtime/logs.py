"""Log lines, one a record: JSON for machines, or text for people (ENVBUILD_LOG_FORMAT)."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import threading
import time
from typing import Any

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
current = threading.local()
"""`current.request_id`: the request that this thread works on."""


class JsonLines(logging.Formatter):
    """A record as a JSON object: time (UTC), level, logger, message, and what else the record carries."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        content: dict[str, Any] = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        request = getattr(current, "request_id", "")
        if request:
            content["request_id"] = request
        content.update((name, value) for name, value in vars(record).items() if name not in _OWN)
        if record.exc_info:
            content["exception"] = self.formatException(record.exc_info)
        return json.dumps(content, ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """A record as Azure ML's server writes it, the request's name behind it."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name that logging calls)
        """Return the line of a record without its traceback."""
        request = getattr(record, "request_id", "") or getattr(current, "request_id", "")
        return super().formatMessage(record) + (f" ({request})" if request else "")


def set_up(form: str) -> None:
    """Send the records of all loggers to stderr, in `form`: json or text."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)


class Prints(io.TextIOBase):
    """Takes what a script prints, line by line, to the log."""

    def __init__(self, name: str, level: int) -> None:
        self._logger = logging.getLogger(name)
        self._level = level
        self._lines = threading.local()

    encoding = "utf-8"

    @property
    def buffer(self) -> Any:
        """The stream of bytes below, for what is no text."""
        return sys.__stdout__.buffer if sys.__stdout__ is not None else None

    def fileno(self) -> int:
        """Return the descriptor of the stream below, for child processes."""
        return 1

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Log the lines that are whole; the rest waits for its end."""
        lines = (getattr(self._lines, "rest", "") + text).split("\n")
        self._lines.rest = lines.pop()
        for line in lines:
            if line:
                self._logger.log(self._level, "%s", line)
        return len(text)

    def flush(self) -> None:
        """Log the line that has been begun."""
        rest, self._lines.rest = getattr(self._lines, "rest", ""), ""
        if rest:
            self._logger.log(self._level, "%s", rest)


def take_prints() -> None:
    """Send what is printed to the log too, unless ENVBUILD_LOG_PRINTS is `off`."""
    if os.environ.get("ENVBUILD_LOG_PRINTS", "").lower() not in ("off", "false", "0"):
        sys.stdout = Prints("print", logging.INFO)
