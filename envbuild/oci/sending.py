"""The bytes of a blob on their way out: read piece by piece, and hashed as they go.

A blob of the cache that is damaged must not get into a registry under a digest that it has not: its last piece is given
out only once the hash is right.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ..errors import CorruptBlobError, StorageError

_PIECE = 1 << 20


class Source:
    """A blob's file, hashed from its beginning as far as it was read. Used as a context manager.

    CorruptBlobError where the file is not the blob of `digest` with `size` bytes; StorageError.
    """

    def __init__(self, path: Path, digest: str, size: int) -> None:
        self.digest = digest
        self.size = size
        self._path = path
        self._hash = hashlib.sha256()
        self._hashed = 0

    def __enter__(self) -> Source:
        try:
            self._file: BinaryIO = self._path.open("rb", buffering=0)
        except FileNotFoundError:
            raise CorruptBlobError(self.digest) from None
        except OSError as error:
            raise StorageError(f"{self._path} cannot be read: {error.strerror}") from error
        if os.fstat(self._file.fileno()).st_size != self.size:
            self._file.close()
            raise CorruptBlobError(self.digest)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on; never beyond what was hashed by more than this piece."""
        if offset > self._hashed:
            self._hash_up_to(offset)
        data = self._piece(offset, min(size, _PIECE))
        fresh = memoryview(data)[self._hashed - offset :] if offset + len(data) > self._hashed else b""
        if fresh:
            self._hash.update(fresh)
            self._hashed += len(fresh)
            if self._hashed == self.size:
                self.check()
        return data

    def check(self) -> None:
        """CorruptBlobError unless the whole of it has the digest."""
        self._hash_up_to(self.size)
        if "sha256:" + self._hash.hexdigest() != self.digest:
            raise CorruptBlobError(self.digest)

    def _hash_up_to(self, offset: int) -> None:
        while self._hashed < offset:
            data = self._piece(self._hashed, min(_PIECE, offset - self._hashed))
            self._hash.update(data)
            self._hashed += len(data)

    def _piece(self, offset: int, size: int) -> bytes:
        try:
            data = os.pread(self._file.fileno(), size, offset)
        except OSError as error:
            raise StorageError(f"{self._path} cannot be read: {error.strerror}") from error
        if not data and size:
            raise CorruptBlobError(self.digest)  # cut off since it was opened
        return data


class Part:
    """`size` bytes of a source from `offset` on, as the body of one request. `advance` is told what was read."""

    def __init__(self, source: Source, offset: int, size: int, advance: Callable[[int], None]) -> None:
        self._source = source
        self._offset = offset
        self._size = size
        self._advance = advance
        self._position = 0

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        """The next bytes; none at the end."""
        rest = self._size - self._position
        wanted = rest if size < 0 else min(size, rest)
        if not wanted:
            return b""
        data = self._source.read(self._offset + self._position, wanted)
        self._position += len(data)
        self._advance(len(data))
        return data

    def rewind(self) -> None:
        """Begin anew: what was read did not arrive."""
        self._advance(-self._position)
        self._position = 0
