"""Which locks this machine took from its own indexes. A cached wheel is no proof: what is looked at is cached too.

Each is an empty file, `<cache>/vouched/<hex of the lock's digest>`.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..oci.disk import storage_errors
from .types import Lock


def vouch(cache: Path, lock: Lock) -> None:
    """Remember that every wheel of `lock` is what an index of this machine has under that name. Raises StorageError."""
    note = _note(cache, lock)
    with storage_errors(note):
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()


def is_vouched(cache: Path, lock: Lock) -> bool:
    """Whether `vouch` was called for a lock of this digest. Asking keeps the note young."""
    note = _note(cache, lock)
    try:
        os.utime(note)
    except FileNotFoundError:
        return False
    except OSError:  # a cache that can only be read
        return note.exists()
    return True


def _note(cache: Path, lock: Lock) -> Path:
    return cache / "vouched" / lock.digest.removeprefix("sha256:")
