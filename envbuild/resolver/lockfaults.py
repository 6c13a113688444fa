"""Whether a uv.lock that uv did not read is broken, and where: one that merely does not fit is another matter."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import LockFileError
from .pylock import parse_toml

_HINT = "resolve the conflict, or remove it from the model's folder; --environment leaves it out"
_PARSING = re.compile(r"failed to parse:? `?uv\.lock`?", re.IGNORECASE)
_VERSION = re.compile(r"unsupported schema version \((?P<found>v\d+)(?:, but only (?P<known>v\d+) is supported)?")
_LINE = re.compile(r"\(?\bat line (\d+), column \d+\)?")


def check_whole(lock: Path, shown: Path, said: str) -> None:
    """Raise LockFileError where `lock`, of which uv `said` why it did not read it, is broken; `shown` is its name."""
    try:
        text = lock.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _broken(shown, line, "it is no UTF-8 text") from None
    try:
        # uv may have stopped at the pyproject.toml beside it.
        parse_toml(text)
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        where = _LINE.search(why)
        line = int(where[1]) if where else text.count("\n") + 1 if "end of document" in why else 0
        raise _broken(shown, line, re.sub(r"\s*\(at [^()]*\)$", "", why)) from None
    if version := _VERSION.search(said):
        known = f", and uv on this machine reads {version['known']}" if version["known"] else ""
        raise _broken(shown, _line_of_version(text), f"it is of the schema {version['found']}{known}")
    if _PARSING.search(said):
        where = _LINE.search(said)
        raise _broken(shown, int(where[1]) if where and text else 0, said.strip().splitlines()[-1].strip())


def _broken(shown: Path, line: int, why: str) -> LockFileError:
    return LockFileError(f"{shown}{f':{line}' if line else ''}: this is no lock of uv: {why}", hint=_HINT)


def _line_of_version(text: str) -> int:
    rows = enumerate(text.splitlines(), 1)
    return next((number for number, row in rows if re.match(r"\s*version\s*=", row)), 0)
