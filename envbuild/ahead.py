"""The layers of a model's large files, written when the files are read for their hashes: so each is read once.

A layer is found by what it holds, which nobody knows of a file that is new here. Its hash and its layer come of one
pass: they are worked out side by side, and the layer is remembered under its key afterwards. Where the store seems to
have the layer, as of a file that was copied or fetched anew, the file is hashed alone.
"""

from __future__ import annotations

import os
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .model.content import Status, is_known, status_of
from .model.types import Model, ModelFile
from .progress import SILENT, Progress, Summary

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from .oci.store import Store
    from .oci.types import Layer
    from .planner.types import FileEntry

_SHORT = 0.2  # seconds of waiting that are not worth a line
_SAMPLES = 16
_SAMPLE = 1 << 16


class Ahead:
    """Works on the large files of `model` whose hashes are not known, from its beginning to its end as a context.

    Meanwhile the rules look at the model and the packages are resolved: hashing and writing leave Python free for that.
    """

    def __init__(self, model: Model, store: Store) -> None:
        self._model = model
        self._store = store
        self._work: dict[str, Future[tuple[Status, str, Layer] | None]] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._stop = threading.Event()
        self._counting = threading.Lock()
        self._read = 0  # bytes
        self._told: Progress | None = None

    def __enter__(self) -> Ahead:
        from .planner.layers import large_files

        large = large_files(self._model)
        if large:
            from .threads import pool

            self._threads = pool(1)
            self._work = {file.path: self._threads.submit(self._write, file) for file in large}
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    def hashes(self, model: Model, store: Store, progress: Progress = SILENT) -> dict[str, str]:
        """The SHA-256 (hex) of each file of `model`, by path; large files that were read have layers in `store` then.

        Waiting for these is the phase `hash`. Raises ModelError for a file that cannot be read or that changes
        meanwhile, StorageError.
        """
        from .model.content import hash_files
        from .oci.layer import remember_layer
        from .planner.layers import file_layer, placed

        def taken(file: ModelFile) -> tuple[str, Layer] | None:
            found = self._work[file.path].result()
            # With --fix the model may be another one by now.
            return None if found is None or found[0] != status_of(model, file) else found[1:]

        def digest(file: ModelFile) -> str | None:
            found = taken(file)
            return found[0] if found else None

        mine = [file for file in model.files if file.path in self._work]
        waiting = self._waiting(mine, progress)
        hashes = hash_files(model, store.root, {file.path: partial(digest, file) for file in mine})
        if waiting:
            progress.done("hash", Summary(count=waiting, noun="large files", size=self._read))
        for file in mine:
            # Somebody else may have hashed it too meanwhile: the layer is made all the same.
            found = taken(file)
            if found is not None and found[0] == hashes[file.path]:
                remember_layer(store, file_layer(placed(model, file, found[0])).key, found[1])
                store.written.add(found[1].digest)
        return hashes

    def _waiting(self, mine: list[ModelFile], progress: Progress) -> int:
        """How many of the files are still being read after a short time; from then on `progress` is told of it."""
        if not mine:
            return 0
        from concurrent.futures import wait

        late = wait([self._work[file.path] for file in mine], timeout=_SHORT).not_done
        files = [file for file in mine if self._work[file.path] in late]
        if files:
            with self._counting:
                read, self._told = self._read, progress
            # Of the one that is being read there is something already, of the others nothing.
            begun = sum(file.size for file in mine if file not in files and self._work[file.path].result())
            progress.start("hash", total=begun + sum(file.size for file in files))
            progress.advance("hash", read, what=files[0].path)
        return len(files)

    def _came(self, amount: int) -> None:
        from .backends.files import StoppedError

        if self._stop.is_set():
            raise StoppedError
        with self._counting:
            self._read += amount
            told = self._told
        if told is not None:
            told.advance("hash", amount)

    def _write(self, file: ModelFile) -> tuple[Status, str, Layer] | None:
        """The file's status, its hash and its layer; None where another hash of it is as good."""
        from .backends.files import write_unhashed
        from .planner.layers import placed

        entry = placed(self._model, file, "")
        if is_known(self._model, file, self._store.root) or _seems_there(entry, self._store):
            return None
        before = status_of(self._model, file)
        return before, *write_unhashed(self._store, entry, self._came)


def _seems_there(entry: FileEntry, store: Store) -> bool:
    """Whether a blob of the store has the size of the file's layer, and samples of the same content."""
    from .oci.tar import around

    head, size = around(entry.path, entry.size, entry.mode)
    try:
        with os.scandir(store.root / "blobs" / "sha256") as blobs:
            found = [Path(blob.path) for blob in blobs if blob.stat().st_size == size]
        return any(_alike(entry.source, blob, head, entry.size) for blob in found)
    except OSError:
        return False


def _alike(source: Path, blob: Path, head: bytes, size: int) -> bool:
    with source.open("rb", buffering=0) as mine, blob.open("rb", buffering=0) as other:
        if os.pread(other.fileno(), len(head), 0) != head:
            return False
        last = max(size - _SAMPLE, 0)
        for number in range(_SAMPLES):
            at = last * number // (_SAMPLES - 1)
            if os.pread(mine.fileno(), _SAMPLE, at) != os.pread(other.fileno(), _SAMPLE, at + len(head)):
                return False
    return True
