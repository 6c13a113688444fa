"""What a model or script prints, line by line to the log."""

from __future__ import annotations

import io
import logging
import threading
from typing import Any


class Prints(io.TextIOBase):
    """A stream of text whose lines become records of the logger `name`.

    They go to `handler` at once: a handler that a script gives to the root logger may write to this very stream.
    """

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, name: str, level: int, below: Any, handler: logging.Handler) -> None:
        self._logger = logging.getLogger(name)
        self._level = level
        self._handler = handler
        self._below = below
        self._lines = threading.local()

    @property
    def buffer(self) -> Any:
        """The stream of bytes below, for what is no text."""
        return self._below.buffer if self._below is not None else None

    def fileno(self) -> int:
        """Return the descriptor of the stream below, for child processes; OSError if there is none."""
        if self._below is None:
            raise OSError("there is no stream below")
        return int(self._below.fileno())

    def reconfigure(self, **options: Any) -> None:
        """Do nothing: lines and their encoding are the log's."""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Log the lines that are whole; the rest waits for its end."""
        *lines, rest = (getattr(self._lines, "rest", "") + text).split("\n")
        self._lines.rest = rest
        for line in lines:
            self._log(line)
        return len(text)

    def flush(self) -> None:
        """Log the line that has been begun."""
        rest, self._lines.rest = getattr(self._lines, "rest", ""), ""
        self._log(rest)

    def _log(self, line: str) -> None:
        # A progress bar writes over its line: what it wrote last is what it says.
        line = line.rstrip("\r").rpartition("\r")[2]
        if line and self._logger.isEnabledFor(self._level):
            record = self._logger.makeRecord(self._logger.name, self._level, "", 0, line, (), None)
            self._handler.handle(record)
