"""The hashes of a model's files, remembered by their status so that an unchanged file is not read again."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import ModelError
from .types import Model, ModelFile

STAT_FILE = "stat.json"
MAX_ENTRIES = 50_000
_CHUNK = 1 << 20
# A file touched this recently may change again within its timestamp's resolution; its hash is not remembered.
_SETTLED_NS = 2_000_000_000

# Below this many bytes, threads take longer to load than the hashing takes.
_WORTH_THREADS = 16 << 20

Status = tuple[int, int, int, int]
"""Size, time of modification, inode and time of its change."""


def hash_files(
    model: Model, store_root: Path, readers: Mapping[str, Callable[[], str | None]] = MappingProxyType({})
) -> dict[str, str]:
    """The SHA-256 (hex) of each of the model's files, by path, in the order of `model.files`.

    `readers` may give the hash of a file, by its path, that is read for something else too where it has to be read; one
    that gives None has not read it.
    A file whose size, times and inode are those of a former run is not read, where they tell files apart; the memory is
    `stat.json` in `store_root`, and where it cannot be read or written, files are read again. Raises ModelError for a
    file that cannot be read or that changed since the model was read.
    """
    memory_path = store_root / STAT_FILE
    memory = _load(memory_path)
    known: dict[str, str] = {}
    unread: list[tuple[ModelFile, str, Status]] = []
    used: dict[str, list[Any]] = {}
    for file in model.files:
        real = os.path.realpath(model.root / file.path)
        status = _status(file, real)
        entry = memory.get(real)
        if entry is not None and entry[:4] == list(status) and shows_changes(real, status[1], status[3]):
            known[file.path] = entry[4]
            used[real] = entry
        else:
            unread.append((file, real, status))
    for (file, real, status), digest in zip(unread, _hash_all(unread, readers), strict=True):
        known[file.path] = digest
        settled = max(status[1], status[3]) + _SETTLED_NS < time.time_ns()
        if settled and shows_changes(real, status[1], status[3]):
            used[real] = [*status, digest]
    if any(memory.get(real) != entry for real, entry in used.items()):
        _save(memory_path, memory, used)
    return {file.path: known[file.path] for file in model.files}


def is_known(model: Model, file: ModelFile, store_root: Path) -> bool:
    """Whether the hash of the file is remembered."""
    real = os.path.realpath(model.root / file.path)
    entry = _load(store_root / STAT_FILE).get(real)
    status = _status(file, real)
    return entry is not None and entry[:4] == list(status) and shows_changes(real, status[1], status[3])


def shows_changes(path: str | Path, modified: int, changed: int) -> bool:
    """Whether the status of what is at `path` shows that it is not what it was; both times are in ns.

    Nobody can set when an inode was changed, but squashfs and EROFS do not have it: they give the time of modification,
    which whoever packs them sets, and number their inodes anew each time.
    """
    if modified != changed:
        return True
    try:
        return not os.statvfs(path).f_flag & os.ST_RDONLY
    except OSError:
        return False


def status_of(model: Model, file: ModelFile) -> Status:
    """What tells the file from an earlier one of its name. ModelError if it is gone or has another size by now."""
    return _status(file, os.path.realpath(model.root / file.path))


def _hash_all(
    unread: list[tuple[ModelFile, str, Status]], readers: Mapping[str, Callable[[], str | None]]
) -> list[str]:
    # One after the other: whatever reads such a file fills the processors itself.
    found = {item[0].path: _read(item, readers[item[0].path]) for item in unread if item[0].path in readers}
    rest = [item for item in unread if item[0].path not in readers]
    others = iter(_hash_rest(rest))
    return [found.get(item[0].path) or next(others) for item in unread]


def _read(item: tuple[ModelFile, str, Status], reader: Callable[[], str | None]) -> str:
    file, real, status = item
    digest = reader()
    if digest is None:
        return _hash(file, real, status)
    if _status(file, real) != status:
        raise _changed(file)
    return digest


def _hash_rest(unread: list[tuple[ModelFile, str, Status]]) -> list[str]:
    read: Callable[[tuple[ModelFile, str, Status]], str] = lambda item: _hash(*item)  # noqa: E731
    if len(unread) < 2 or sum(file.size for file, _, _ in unread) < _WORTH_THREADS:
        return [read(item) for item in unread]
    from concurrent.futures import ThreadPoolExecutor

    # hashlib lets other threads run while it works on a large chunk.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        return list(pool.map(read, unread))


def _hash(file: ModelFile, real: str, status: Status) -> str:
    digest = hashlib.sha256()
    try:
        with Path(real).open("rb", buffering=0) as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise ModelError(
            f"cannot read {file.path}: {error.strerror}", hint="make the file readable for this user"
        ) from error
    if _status(file, real) != status:
        raise _changed(file)
    return digest.hexdigest()


def _status(file: ModelFile, real: str) -> Status:
    try:
        found = os.stat(real)  # noqa: PTH116 (a string path: many files)
    except OSError as error:
        raise ModelError(
            f"cannot read {file.path}: {error.strerror}", hint="the model changed while it was read: run again"
        ) from error
    if found.st_size != file.size:
        raise _changed(file)
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns


def _changed(file: ModelFile) -> ModelError:
    return ModelError(f"{file.path} changed while the model was read", hint="run again when nothing writes to it")


def _load(path: Path) -> dict[str, list[Any]]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {
        name: entry
        for name, entry in value.items()
        if isinstance(entry, list)
        and len(entry) == 5
        and all(isinstance(number, int) for number in entry[:4])
        and isinstance(entry[4], str)
        and len(entry[4]) == 64
    }


def _save(path: Path, memory: dict[str, list[Any]], used: dict[str, list[Any]]) -> None:
    """Write the memory anew, what this run used last; the oldest entries go first. A failure only costs time."""
    merged = {name: entry for name, entry in memory.items() if name not in used} | used
    kept = dict(list(merged.items())[-MAX_ENTRIES:])
    from tempfile import mkstemp

    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = mkstemp(prefix=".stat-", dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(kept, stream)
        os.replace(temporary, path)  # noqa: PTH105 (mkstemp gives a string)
    except OSError:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
