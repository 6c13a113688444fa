"""Files that a person names for what a command has to say: checked before the work, written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

from ..errors import StorageError, UsageError

_LINKS = 40
"""As many links as the kernel follows."""


def is_stdout(path: Path) -> bool:
    """Whether a path is `-`, or leads to where stdout goes anyway, as /dev/stdout does."""
    if str(path) == "-":
        return True
    try:
        return _target(path) == 1
    except OSError:
        return False


def check_target(option: str, path: Path) -> None:
    """Find out before the work that a file cannot be written. Raises UsageError."""
    try:
        target = _target(path)
        if isinstance(target, int):
            os.fstat(target)
            return
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.lstat(target)  # a name that is too long
    except OSError as error:
        raise UsageError(f"{option} {path}: {_reason(error)}", hint="name another file") from error
    if os.path.isdir(target):  # noqa: PTH112
        raise UsageError(f"{option} {path} is a folder", hint="name a file in it")
    folder = Path(target).parent
    if not folder.is_dir():
        # As it was typed, unless it is a link that leads to no folder.
        named = folder if path.parent.is_dir() else path.parent
        raise UsageError(f"{option} {path}: there is no folder {named}", hint="make the folder first")


def write_atomically(path: Path, text: str) -> None:
    """Write `text` to `path`, all of it or nothing. Raises StorageError.

    A link stays one, and the file that it leads to is written; a file that was there keeps its mode and its owner. What
    cannot be replaced, a pipe, a device or an open descriptor such as /dev/stderr, is written to as it is. Half a
    character, as the name of a file may hold, is written as stdout writes it; in JSON that is its escape.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        target = _target(path)
        if isinstance(target, int):
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            # Not opened anew: what is written comes behind what has been written, and takes the place of nothing.
            target = os.dup(target)
        elif not target.startswith("/proc/") and (os.path.isfile(target) or not os.path.lexists(target)):  # noqa: PTH113
            _replace(Path(target), data)
            return
        with open(target, "wb") as stream:  # noqa: PTH123 - a path or a descriptor
            stream.write(data)
    except OSError as error:
        hint = "name another file, or free space"
        raise StorageError(f"{path} cannot be written: {_reason(error)}", hint=hint) from error


def _target(path: Path) -> str | int:
    """Where a path leads: a path that is no link, or one in /proc as it is, or the number of an open descriptor.

    What /proc shows as a link, /proc/self/fd/1 say, is none: the file behind it is open, and must not be replaced.
    """
    at = str(path)
    for _ in range(_LINKS):
        folder, name = os.path.split(at)
        folder = os.path.realpath(folder)
        at = os.path.join(folder, name)  # noqa: PTH118
        if folder == f"/proc/{os.getpid()}/fd" and name.isdecimal():
            return int(name)
        if folder.startswith("/proc/") or not os.path.islink(at):  # noqa: PTH114
            return at
        at = os.path.join(folder, os.readlink(at))  # noqa: PTH115, PTH118
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def _replace(target: Path, data: bytes) -> None:
    """Put a new file in the place of one that may be there."""
    from ..oci.disk import write_beside

    beside = write_beside(target, data)
    try:
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)
