"""The parts of the cache beside the store's blobs: bases, locks, downloads, environments, and the resolver's own."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..oci.disk import storage_errors

_DAY = 86400
# Folders whose every entry stands for itself, and is made or fetched again when it is gone.
_FOLDERS = ("store/rootfs", "locks", "vouched", "downloads", "environments")
# Kept by the resolver, which has its own ideas of age: it goes as a whole or not at all.
_WHOLE = ("uv", "conda")


def prune_folders(cache: Path, *, days: int, everything: bool) -> tuple[int, int]:
    """Remove what was last used `days` days ago or earlier; how many entries went, and their bytes.

    Raises StorageError. A folder is renamed first: an interrupted run never leaves a half one under its name.
    """
    since = time.time() - days * _DAY
    stale = [entry for entry in _entries(cache) if everything or _used(entry) <= since]
    stale += [cache / name for name in _WHOLE if everything and (cache / name).is_dir()]
    return len(stale), sum(_remove(entry) for entry in stale)


def _entries(cache: Path) -> Iterator[Path]:
    for name in _FOLDERS:
        with suppress(FileNotFoundError, NotADirectoryError):
            yield from sorted((cache / name).iterdir())


def _used(entry: Path) -> float:
    """The last use as Unix time: that of the folder, or of a file right inside it."""
    times = []
    for path in (entry, *(entry.iterdir() if entry.is_dir() and not entry.is_symlink() else ())):
        with suppress(OSError):
            times.append(path.lstat().st_mtime)
    return max(times, default=0.0)


def _remove(entry: Path) -> int:
    with storage_errors(entry):
        if entry.is_symlink() or not entry.is_dir():
            size = entry.lstat().st_size
            entry.unlink(missing_ok=True)
            return size
        size = sum(path.lstat().st_size for path in entry.rglob("*") if path.is_symlink() or not path.is_dir())
        doomed = entry.with_name(f".{secrets.token_hex(8)}")
        entry.rename(doomed)
        shutil.rmtree(doomed)
        return size
