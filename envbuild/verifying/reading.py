"""A layer of an image that is looked at, read once from its start to its end, and held against its diffID."""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, cast

from ..attesting.layers import Blobs
from ..errors import BaseImageError, IntegrityError
from ..oci.inflate import plain
from ..oci.types import Layer
from ..oci.untrusted import open_tar

_CHUNK = 1 << 20


class Plain:
    """The plain tar of a layer, hashed as it is read. What is wrong with it is wrong with a tar."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes. tarfile.ReadError where they cannot be decompressed."""
        try:
            data = self._stream.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise tarfile.ReadError(str(error)) from None
        self._hash.update(data)
        self.size += len(data)
        return data

    @property
    def digest(self) -> str:
        """Of what was read so far."""
        return "sha256:" + self._hash.hexdigest()


@contextmanager
def opened_plain(blobs: Blobs, layer: Layer) -> Iterator[Plain]:
    """The plain tar; it is read to its end when the context ends well.

    IntegrityError for a blob that unpacks to something else than the image's config says: an engine would refuse it, or
    believe one of the two. BaseImageError for what cannot be read, and what `blobs` raises.
    """
    chunks = blobs(layer)
    stream = Plain(plain(chunks))
    try:
        yield stream
        while stream.read(_CHUNK):
            pass
    except tarfile.TarError as error:
        for _ in chunks:  # that the blob is damaged comes first
            pass
        raise BaseImageError(f"the layer {layer.digest} is no readable tar: {error}") from None
    for _ in chunks:
        pass
    if stream.digest != layer.diff_id:
        raise IntegrityError(
            f"the layer {layer.digest} unpacks to {stream.digest}, and the image config names {layer.diff_id}",
            hint="the image is damaged or was tampered with",
        )


@contextmanager
def opened_tar(blobs: Blobs, layer: Layer) -> Iterator[tarfile.TarFile]:
    """The layer as a tar to read once, front to back; raises as `opened_plain` does."""
    with opened_plain(blobs, layer) as stream, open_tar(cast("IO[bytes]", stream)) as tar:
        yield tar
