"""Which locks this machine took from its own indexes. A cached wheel is no proof: what is looked at is cached too.

<cache>/locks/<hex of the lock's digest>/indexed      empty
"""

from __future__ import annotations

import os
from pathlib import Path

from ..oci.disk import storage_errors
from .types import Lock

_NAME = "indexed"


def vouch(locks: Path, lock: Lock) -> None:
    """Remember that every wheel of `lock` is what an index of this machine has under that name. Raises StorageError."""
    note = _note(locks, lock)
    with storage_errors(note):
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()


def is_vouched(locks: Path, lock: Lock) -> bool:
    """Whether `vouch` was called for a lock of this digest. Asking keeps the note young."""
    try:
        os.utime(_note(locks, lock))
    except FileNotFoundError:
        return False
    except OSError:  # a cache that can only be read
        return _note(locks, lock).exists()
    return True


def _note(locks: Path, lock: Lock) -> Path:
    return locks / lock.digest.removeprefix("sha256:") / _NAME
