"""Layers made of files that lie on this machine: the model, the server's own files, a scoring script."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import BinaryIO

from ..errors import IntegrityError, ModelError
from ..oci.hashing import Hasher
from ..oci.layer import build_layer
from ..oci.store import Store
from ..oci.tar import LayerTar
from ..oci.types import Layer
from ..planner.types import FileEntry, PlannedLayer


class StoppedError(Exception):
    """Nobody needs the layer any more."""


class _Hashing:
    """A file that is hashed beside while it is read."""

    def __init__(self, source: BinaryIO, hasher: Hasher, came: Callable[[int], None]) -> None:
        self._source = source
        self._hasher = hasher
        self._came = came

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._came(len(data))
        self._hasher.update(data)
        return data


def write_files(store: Store, planned: PlannedLayer) -> Layer:
    """The layer of `planned`'s files, links and texts, in the order of their paths.

    A file whose bytes differ from the planned hash was changed meanwhile: `ModelError`, and no layer.
    """

    def write(tar: LayerTar) -> None:
        entries: dict[str, Callable[[], None]] = {}
        for file in planned.files:
            entries[file.path] = partial(_write_file, tar, file)
        for link in planned.links:
            entries[link.path] = partial(tar.symlink, link.path, link.target)
        for path, text in planned.texts.items():
            entries[path] = partial(tar.data, path, text.encode())
        for path in sorted(entries):
            entries[path]()

    return build_layer(store, write)


def write_unhashed(store: Store, file: FileEntry, came: Callable[[int], None]) -> tuple[str, Layer]:
    """The layer that has `file` alone, whose sha256 is not known yet, and that hash (hex).

    The file is read once: both are hashed while the layer is written. `came` is called with the bytes of each piece; a
    StoppedError of it ends the work. A file that something else writes to meanwhile is a `ModelError`, and there is no
    layer then either.
    """
    found = ""

    def write(tar: LayerTar) -> None:
        nonlocal found
        found = _copied(tar, file, came)

    layer = build_layer(store, write)
    return found, layer


def _write_file(tar: LayerTar, file: FileEntry) -> None:
    if _copied(tar, file) != file.sha256:
        raise _changed(file)


def _copied(tar: LayerTar, file: FileEntry, came: Callable[[int], None] = lambda _: None) -> str:
    """Write the file to `tar`, and give the hash (hex) of what was written."""
    try:
        with file.source.open("rb", buffering=0) as stream, Hasher() as hasher:
            before = os.fstat(stream.fileno())
            if before.st_size != file.size:
                raise _changed(file)
            tar.file(file.path, _Hashing(stream, hasher, came), file.size, file.mode)
            if _status(os.fstat(stream.fileno())) != _status(before):
                raise _changed(file)
            return hasher.hexdigest()
    except FileNotFoundError:
        raise ModelError(f"{file.source} is gone since the model was read", hint="run the command again") from None
    except OSError as error:
        raise ModelError(f"{file.source} cannot be read: {error.strerror}") from error
    except IntegrityError as error:
        if not _has_its_size(file):
            raise _changed(file) from error
        raise


def _has_its_size(file: FileEntry) -> bool:
    try:
        return file.source.stat().st_size == file.size
    except OSError:
        return False


def _status(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _changed(file: FileEntry) -> ModelError:
    return ModelError(
        f"{file.source} changed while the image was made",
        hint="wait until whatever writes the model is done, then run the command again",
    )
