"""What the disk refuses becomes a StorageError that says what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
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
