"""What the disk refuses becomes a StorageError that says what to do."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an OSError of the block, which writes `path`, into StorageError."""
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


def storage_error(path: Path, error: OSError) -> StorageError:
    """The StorageError for an OSError met while writing `path`."""
    if error.errno in _FULL:
        return StorageError(
            f"the disk is full: {path} cannot be written",
            hint="free some space (`envbuild cache prune` removes what was not used lately), "
            "or choose another folder for the cache or the output",
        )
    if error.errno in _REFUSED:
        return StorageError(
            f"{path} cannot be written: {error.strerror}",
            hint="choose a folder that you may write to",
        )
    return StorageError(f"{path} cannot be written: {error.strerror or error}")


def remove_tree(path: Path) -> int:
    """Remove a folder as far as that goes, and give the bytes of its files. No link is followed.

    Foreign code may have made it: folders that their owner may not look into, and deeper than a path can be long.
    """
    if path.is_symlink() or not path.is_dir():
        return 0
    top = str(path)
    size, left = _emptied(top, top)
    while left:
        folder = left.pop()
        taken, below = _emptied(folder, top)
        size += taken
        left += below
        with suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106 - many of them
    with suppress(OSError):
        path.rmdir()
    return size


def _emptied(folder: str, top: str) -> tuple[int, list[str]]:
    """Remove the files in `folder`; their bytes, and the folders that were in it, which lie in `top` now."""
    size, below = 0, []
    with suppress(OSError):
        os.chmod(folder, stat.S_IRWXU)  # noqa: PTH101 - many of them
        with os.scandir(folder) as entries:
            found = list(entries)
        for entry in found:
            with suppress(OSError):
                place = entry.path
                if not entry.is_dir(follow_symlinks=False):
                    size += entry.stat(follow_symlinks=False).st_size
                    os.unlink(place)  # noqa: PTH108
                    continue
                if folder != top:
                    os.chmod(place, stat.S_IRWXU)  # noqa: PTH101 - else it does not move
                    place = f"{top}/{os.urandom(8).hex()}"
                    os.rename(entry.path, place)  # noqa: PTH104
                below.append(place)
    return size, below


def write_beside(path: Path, data: bytes) -> Path:
    """Write `data` to a new file beside `path`, to be moved into its place. Raises OSError, and leaves nothing then.

    It has the mode and, where permitted, the owner of the file that is there; without one, those of any new file. Until
    it is whole, nobody reads what only some may. Its name is short: that of `path` may be as long as a name can be.
    """
    try:
        old = path.stat()
    except FileNotFoundError:
        old = None
    beside = path.with_name(f".envbuild-{os.urandom(8).hex()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if old is None else 0o600)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor
            stream.write(data)
            if old is not None:
                # Each by itself: who owns the file may give it to a group of theirs, and root to anybody.
                for owner, group in ((-1, old.st_gid), (old.st_uid, -1)):
                    with suppress(OSError):
                        os.fchown(stream.fileno(), owner, group)
                os.fchmod(stream.fileno(), stat.S_IMODE(old.st_mode))
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return beside
