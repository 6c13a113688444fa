"""Looking after the store: find damage, remove what was not used lately."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from . import soundness
from .disk import remove_tree, storage_errors
from .store import Store

_DAY = 86400
_CHUNK = 1 << 20
_HEX = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}")


def verify(store: Store) -> list[str]:
    """Read every blob and key; remove the damaged ones, and the keys that name a removed blob.

    Returns the removed digests (`sha256:<hex>`) and other files (`keys/<hex>.json`), sorted.
    """
    damaged: set[str] = set()
    removed: list[str] = []
    for path in _entries(store.root / "blobs" / "sha256"):
        if not _HEX.fullmatch(path.name):
            removed.append("blobs/sha256/" + path.name)
            _remove(path)
        elif not _sound(path):
            damaged.add("sha256:" + path.name)
            _remove(path)
    for key in store.key_files():
        if not _readable(key) or _names(key, damaged):
            removed.append("keys/" + key.name)
            _remove(key)
    soundness.tidy(store)
    return sorted([*damaged, *removed])


def prune(store: Store, *, days: int) -> tuple[int, int]:
    """Remove blobs and keys last used `days` days ago or earlier, and what dead runs left a day ago.

    Returns how many files and folders went, and their bytes. A key goes before the blob that it names.
    """
    now = time.time()
    since = now - days * _DAY
    blobs = [path for path in _entries(store.root / "blobs" / "sha256") if _unused(path, since)]
    # A blob that a layout shares has its uses noted beside it.
    stale = [path for path in blobs if soundness.noted_use(store, "sha256:" + path.name) <= since]
    gone = {"sha256:" + path.name for path in stale}
    keys = [key for key in store.key_files() if _unused(key, since) or _names(key, gone)]
    leftovers = [path for path in _entries(store.root / "tmp") if _unused(path, now - _DAY)]
    removed = [*keys, *stale, *leftovers]
    counted = len(removed), sum(_remove(path) for path in removed)
    soundness.tidy(store)
    return counted


def _entries(folder: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        return sorted(folder.iterdir())
    return []


def _sound(path: Path) -> bool:
    """Whether the content has the hash in the name. Looking is no use: the file's time stays as it is."""
    hasher = hashlib.sha256()
    try:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                hasher.update(chunk)
    except OSError:
        return False
    return hasher.hexdigest() == path.name


def _readable(key: Path) -> bool:
    try:
        entry = json.loads(key.read_bytes())
        return hashlib.sha256(entry["key"].encode("utf-8", "surrogatepass")).hexdigest() == key.stem
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return False


def _names(key: Path, digests: Collection[str]) -> bool:
    if not digests:
        return False
    with suppress(OSError):
        return any(match.decode() in digests for match in _DIGEST.findall(key.read_bytes()))
    return False


def _unused(path: Path, since: float) -> bool:
    """Whether the last use was at `since` (Unix time) or before; False if another run has removed it."""
    with suppress(OSError):
        return path.lstat().st_mtime <= since
    return False


def _remove(path: Path) -> int:
    """Remove a file or a folder; its bytes."""
    with storage_errors(path):
        if path.is_dir() and not path.is_symlink():
            size = remove_tree(path)
            with suppress(FileNotFoundError):
                path.rmdir()  # it says why, where something is left
            return size
        with suppress(FileNotFoundError):
            size = path.lstat().st_size
            path.unlink()
            return size
    return 0
