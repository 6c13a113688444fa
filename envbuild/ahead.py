"""The layers of a model's large files, written when the files are read for their hashes: so each is read once.

A layer is found by what it holds, which nobody knows of a file that is new here. Its hash and its layer come of one
pass: they are worked out side by side, and the layer is remembered under its key afterwards. Where the store seems to
have the layer, as of a file that was copied or fetched anew, the file is hashed alone.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .model.types import Model, ModelFile

if TYPE_CHECKING:
    from .oci.store import Store
    from .oci.types import Layer
    from .planner.types import FileEntry

_SAMPLES = 16
_SAMPLE = 1 << 16


def hash_and_write(model: Model, store: Store) -> dict[str, str]:
    """The SHA-256 (hex) of each file of `model`, by path; large files that are read have their layers in `store` then.

    Raises ModelError for a file that cannot be read or that changes meanwhile, StorageError.
    """
    from .backends.files import write_unhashed
    from .model.content import hash_files
    from .oci.layer import remember_layer
    from .planner.layers import file_layer, large_files, placed

    layers: dict[str, Layer] = {}

    def write(file: ModelFile) -> str | None:
        entry = placed(model, file, "")
        if _seems_there(entry, store):
            return None
        digest, layers[file.path] = write_unhashed(store, entry)
        return digest

    hashes = hash_files(model, store.root, {file.path: partial(write, file) for file in large_files(model)})
    for file in model.files:
        if file.path in layers:
            remember_layer(store, file_layer(placed(model, file, hashes[file.path])).key, layers[file.path])
    return hashes


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
