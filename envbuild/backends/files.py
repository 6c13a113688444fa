"""Layers made of files that lie on this machine: the model, the server's own files, a scoring script."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import partial
from typing import BinaryIO

from ..errors import IntegrityError, ModelError
from ..oci.layer import build_layer
from ..oci.store import Store
from ..oci.tar import LayerTar
from ..oci.types import Layer
from ..planner.types import FileEntry, PlannedLayer


class _Hashing:
    """A readable that hashes what passes through it."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.sha256.update(data)
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


def _write_file(tar: LayerTar, file: FileEntry) -> None:
    try:
        with file.source.open("rb") as stream:
            if os.fstat(stream.fileno()).st_size != file.size:
                raise _changed(file)
            hashing = _Hashing(stream)
            tar.file(file.path, hashing, file.size, file.mode)
    except FileNotFoundError:
        raise ModelError(f"{file.source} is gone since the model was read", hint="run the command again") from None
    except OSError as error:
        raise ModelError(f"{file.source} cannot be read: {error.strerror}") from error
    except IntegrityError as error:
        if file.source.stat().st_size != file.size:
            raise _changed(file) from error
        raise
    if hashing.sha256.hexdigest() != file.sha256:
        raise _changed(file)


def _changed(file: FileEntry) -> ModelError:
    return ModelError(
        f"{file.source} changed while the image was made",
        hint="wait until whatever writes the model is done, then run the command again",
    )
