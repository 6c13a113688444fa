"""The text of a lock file: read within a bound, and the lines of what a fault of it names."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import LockFileError

_SIZE = 16 << 20  # bytes; the largest locks of whole workspaces have two
AT_PACKAGE = re.compile(r"packages\[(\d+)\](?:\.([\w-]+))?")


def content_of(path: Path, hint: str) -> bytes:
    """The bytes of the lock at `path`. LockFileError with `hint` where it cannot be read, or is too large to be one."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_SIZE + 1)
    except OSError as error:
        raise LockFileError(f"{path} cannot be read: {error.strerror}", hint="name a lock that is there") from error
    if len(data) > _SIZE:
        raise LockFileError(f"{path} is larger than {_SIZE >> 20} MiB, which no lock is", hint=hint)
    return data


def text_of(path: Path, hint: str) -> str:
    """The text of the lock at `path`. Raises as `content_of`, and for what is not UTF-8."""
    data = content_of(path, hint)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise LockFileError(f"{path}:{line}: not UTF-8 text, so no lock", hint=hint) from None


def line_named(text: str, said: str) -> int:
    """The line of the package, or of the key at the top, that a message names; 0 where it names none."""
    found = AT_PACKAGE.search(said)
    if found:
        return line_of(text, int(found[1]), found[2] or "")
    key = re.search(r"in '([\w-]+)", said)
    rows = enumerate(text.splitlines(), 1) if key else ()
    return next((line for line, row in rows if key and re.match(rf"\s*{re.escape(key[1])}\s*=", row)), 0)


def line_of(text: str, number: int, key: str) -> int:
    """The line on which the table of the package stands, or a key of it; 0 where it cannot be told."""
    rows = text.splitlines()
    heads = [line for line, row in enumerate(rows) if re.match(r"\s*\[\[\s*packages\s*\]\]", row)]
    if number >= len(heads):
        return 0
    if key:
        for line in range(heads[number] + 1, len(rows)):
            if re.match(r"\s*\[\[\s*packages\s*\]\]", rows[line]):
                break
            if re.match(rf"\s*(\[+\s*packages\.)?{re.escape(key)}\b", rows[line]):
                return line + 1
    return heads[number] + 1
