"""Which large blobs were hashed since this machine started and have not been written to since.

A blob of gigabytes takes seconds to hash. What is known of it goes with its inode, so that a second name of the same
file is known too, and with the start of the machine: what a power cut may have left on the disk is read again. A blob
that was altered has another size or another time of change, and is hashed like any other. It is no guard against
whoever may write to the cache: they could as well write what is remembered.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CorruptBlobError, StorageError

if TYPE_CHECKING:
    from .store import Store

LARGE = 1 << 20
"""Bytes from which on a blob is worth remembering."""
_CHUNK = 1 << 20
# Of a blob in how many places it is remembered: the store, and layouts.
_PLACES = 8


def check(store: Store, path: Path, digest: str, size: int) -> bool:
    """Whether the file holds the blob of `digest` with `size` bytes: as far as known, else by its hash.

    False if there is no such file. StorageError if it cannot be read.
    """
    try:
        found = path.stat()
        if found.st_size != size:
            return False
        if known(store, found, digest):
            return True
        with path.open("rb", buffering=0) as file:
            before, hasher = os.fstat(file.fileno()), hashlib.sha256()
            while chunk := file.read(_CHUNK):
                hasher.update(chunk)
            after = os.fstat(file.fileno())
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
    if "sha256:" + hasher.hexdigest() != digest:
        return False
    if _value(before) == _value(after):
        remember(store, after, digest)
    return True


def checked(store: Store, digest: str, size: int) -> Path:
    """The file of a blob of the store, sound. CorruptBlobError, StorageError."""
    path = store.blob(digest)
    if not check(store, path, digest, size):
        raise CorruptBlobError(digest)
    return path


def sound_file(store: Store, digest: str) -> Path | None:
    """The file of a blob of any size of the store; None where it is damaged or missing. StorageError."""
    path = store.blob(digest)
    try:
        size = path.stat().st_size
    except OSError:
        return None
    return path if check(store, path, digest, size) else None


def known(store: Store, found: os.stat_result, digest: str) -> bool:
    """Whether the file with this status is known to hold the blob."""
    if found.st_size < LARGE or not _boot():
        return False
    return _read(store, digest).get(_place(found)) == _value(found)


def remember(store: Store, found: os.stat_result, digest: str) -> None:
    """Note that the file with this status was hashed just now. Not to remember it costs time alone."""
    if found.st_size < LARGE or not _boot():
        return
    here = {name: value for name, value in _read(store, digest).items() if name != _place(found)}
    latest = dict([*list(here.items())[1 - _PLACES :], (_place(found), _value(found))])
    with suppress(OSError, StorageError):
        folder(store).mkdir(exist_ok=True)
        store.write_file(folder(store) / digest[7:], json.dumps(latest).encode())


def note_use(store: Store, digest: str, *, older_than: float) -> None:
    """Have the memory's own time tell that the blob is used, unless it tells of a use in the last seconds.

    For a file that is not the store's alone. The memory may be empty: then it says nothing of the blob but this.
    """
    path = folder(store) / digest[7:]
    with suppress(OSError):
        try:
            fresh = time.time() - path.stat().st_mtime <= older_than
        except FileNotFoundError:
            fresh = False
        if not fresh:
            path.parent.mkdir(exist_ok=True)
            path.touch()


def noted_use(store: Store, digest: str) -> float:
    """When the memory was last written or a use was noted, as Unix time; 0 if there is none."""
    try:
        return (folder(store) / digest[7:]).stat().st_mtime
    except OSError:
        return 0.0


def tidy(store: Store) -> None:
    """Forget what is known of blobs that are gone."""
    with suppress(OSError):
        for path in folder(store).iterdir():
            if not (store.root / "blobs" / "sha256" / path.name).exists():
                path.unlink(missing_ok=True)


def folder(store: Store) -> Path:
    """Where it is remembered: a file for each blob, by its name."""
    return store.root / "sound"


def _read(store: Store, digest: str) -> dict[str, object]:
    try:
        value = json.loads((folder(store) / digest[7:]).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _place(found: os.stat_result) -> str:
    return f"{found.st_dev}:{found.st_ino}"


def _value(found: os.stat_result) -> list[object]:
    # Without the time of the last change of the inode: another name for it, or one less, changes that too.
    return [found.st_size, found.st_mtime_ns, _boot()]


@cache
def _boot() -> str:
    """What tells this start of the machine from others; empty where the system does not say, and nothing is known."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""
