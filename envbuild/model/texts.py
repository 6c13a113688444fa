"""Reading one small text file of a folder: never more than its limit, never from outside, never a device.

Files are UTF-8, with or without a byte order mark, and keep their line endings here.
"""

from __future__ import annotations

import errno
import os
import stat
from functools import lru_cache
from pathlib import Path

from ..errors import ModelError
from ..patterns import pattern
from .types import Problem, Span

BOM = "\ufeff"
MAX_MLMODEL = 8 << 20
MAX_ENVIRONMENT = 1 << 20

# YAML (libyaml) also breaks lines at these three; where pip does, editors do not, and no line is counted there.
_YAML_BREAK = pattern("\r\n|[\n\r\x85\u2028\u2029]")
_BREAK = pattern("\r\n|[\n\r]")


class UnreadableError(Exception):
    """A text that cannot be taken. The reader turns it into a Problem with its own code."""

    def __init__(self, message: str, *, hint: str = "", line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.line = line
        self.column = column

    def problem(self, code: str, file: str) -> Problem:
        """This error as a problem of `file`."""
        span = Span(file=file, line=self.line, column=self.column, end_column=self.column + 1)
        return Problem(code=code, message=self.message, help=self.hint, span=span)


def split_lines(file: str, text: str) -> list[str]:
    """The lines of `text` without their endings, counted as the spans of `file` count them. Not to be changed."""
    return _split(text, is_yaml(file))


@lru_cache(maxsize=4)
def _split(text: str, yaml: bool) -> list[str]:
    # Each finding asks for a line of the same few texts.
    return (_YAML_BREAK if yaml else _BREAK).split(text.removeprefix(BOM))


def is_yaml(file: str) -> bool:
    """Whether `file` is read as YAML: by its ending, or because it is an MLmodel."""
    return file.endswith((".yaml", ".yml", "MLmodel"))


class Folder:
    """A folder whose text files are read once. `prefix` stands before a file's name in spans."""

    def __init__(self, root: Path, prefix: str = "") -> None:
        self.root = Path(os.path.realpath(root))
        self.prefix = prefix
        self.texts: dict[str, str] = {}

    def label(self, relative: str) -> str:
        """The name of a file in spans."""
        return self.prefix + relative

    def holds(self, relative: str) -> bool:
        """Whether there is a file (or anything else) of that name."""
        return os.path.lexists(self.root / relative)

    def encloses(self, real: str) -> bool:
        """Whether a path without links lies inside the folder."""
        return real.startswith(str(self.root).rstrip("/") + "/")

    def read(self, relative: str, limit: int = MAX_ENVIRONMENT) -> str:
        """The text of a file, with byte order mark and line endings as they are.

        Raises UnreadableError for what is not a regular UTF-8 file inside the folder within `limit` bytes, and
        ModelError where the system refuses.
        """
        label = self.label(relative)
        if label in self.texts:
            return self.texts[label]
        if "\0" in relative:
            raise UnreadableError("a file name holds a NUL character")
        real = os.path.realpath(self.root / relative)
        if not self.encloses(real):
            raise UnreadableError(
                f"{relative} lies outside of the folder", hint="copy the file into the folder and name it there"
            )
        text = decode(label, _read_bytes(label, real, limit))
        self.texts[label] = text
        return text


def _read_bytes(label: str, path: str, limit: int) -> bytes:
    try:
        # Non-blocking, so that a FIFO does not hang before it is told apart.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise UnreadableError(f"{label} does not exist") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UnreadableError(f"the file name {label[:60]!r}... is too long") from None
        raise ModelError(
            f"cannot read {label}: {error.strerror}", hint="make the file readable for this user"
        ) from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise UnreadableError(f"{label} is {kind}", hint="a file of this name is expected")
    with os.fdopen(descriptor, "rb") as stream:
        data = stream.read(limit + 1) if status.st_size <= limit else b""
    size = max(status.st_size, len(data))
    if size > limit:
        raise UnreadableError(f"{label} is too large: {size:,} bytes, the limit is {limit:,}")
    return data


def decode(label: str, data: bytes) -> str:
    """The text of a file's bytes. Raises UnreadableError with the place where it is no UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        what = "is UTF-16 text, not UTF-8" if utf16 else "is not UTF-8 text"
        raise UnreadableError(f"{label} {what}", hint="save the file as UTF-8", line=line, column=column) from None
