"""The standard streams, made safe before anything is written: closed ones, and those that lack a character."""

from __future__ import annotations

import contextlib
import io
import os
import sys

from ..errors import StorageError


class ClosedOutput(io.TextIOBase):
    """A stdout that was closed before the run: what should go there is an error, and not lost in silence."""

    def writable(self) -> bool:
        """True: it is a place to write to, for all who ask first."""
        return True

    def write(self, text: str) -> int:
        """Raise StorageError, unless there is nothing to write."""
        if text:
            raise StorageError(
                "standard output is closed: there is nowhere to write the result",
                hint="send it to a file, or to /dev/null if nobody wants it",
            )
        return 0


def prepare() -> None:
    """Take the streams as they are, so that writing to them never ends in a traceback.

    Without a stderr its messages are dropped, and the exit code alone tells.
    """
    _occupy()
    if sys.stdout is None:
        sys.stdout = ClosedOutput()
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # A locale that lacks a character costs the character, not the run.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def flush() -> bool:
    """Write out what is buffered: False if nobody reads it any more. Raises OSError for a disk that is full."""
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except BrokenPipeError:
        # The interpreter flushes once more on its way out, and would complain.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _occupy() -> None:
    """Open /dev/null for each of the three that is closed.

    Else the next file that is opened, one of the model say, takes its number, and what a library writes to it goes into
    that file; and subprocesses would go without.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
