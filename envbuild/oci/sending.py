"""The bytes of a blob on their way out: read piece by piece, and hashed as they go.

A blob of the cache that is damaged must not get into a registry under a digest that it has not: its last piece is given
out only once the hash is right.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import CorruptBlobError, StorageError
from ..threads import pool

if TYPE_CHECKING:
    from concurrent.futures import Future

_PIECE = 1 << 20
# Pieces that may wait for their hash while others are sent.
_WAITING = 4


class Source:
    """A blob's file, hashed from its beginning as far as it was read. Used as a context manager, in one thread.

    CorruptBlobError where the file is not the blob of `digest` with `size` bytes; StorageError.
    """

    def __init__(self, path: Path, digest: str, size: int) -> None:
        self.digest = digest
        self.size = size
        self._path = path
        self._hash = hashlib.sha256()
        self._hashed = 0
        self._waiting: deque[Future[None]] = deque()

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
        # Hashing lets other threads run: it goes on while a piece is sent.
        self._hasher = pool(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._hasher.shutdown(wait=True, cancel_futures=True)
        self._file.close()

    def pieces(self, offset: int, size: int) -> Iterator[bytes]:
        """The `size` bytes from `offset` on, in pieces of 1 MiB at most; the blob's last only if the hash is right."""
        self._hash_up_to(offset)
        end = offset + size
        while offset < end:
            data = self._read(offset, min(_PIECE, end - offset))
            self._take(offset, data)
            offset += len(data)
            if offset == self.size:
                self.check()
            yield data

    def check(self) -> None:
        """CorruptBlobError unless the whole of it has the digest."""
        self._hash_up_to(self.size)
        while self._waiting:
            self._waiting.popleft().result()
        if "sha256:" + self._hash.hexdigest() != self.digest:
            raise CorruptBlobError(self.digest)

    def _take(self, offset: int, data: bytes) -> None:
        """Have what was not hashed yet of a piece hashed, behind those before it."""
        fresh = memoryview(data)[self._hashed - offset :]
        if offset + len(data) > self._hashed:
            self._waiting.append(self._hasher.submit(self._hash.update, fresh))
            self._hashed = offset + len(data)
        while len(self._waiting) > _WAITING:
            self._waiting.popleft().result()

    def _hash_up_to(self, offset: int) -> None:
        while self._hashed < offset:
            self._take(self._hashed, self._read(self._hashed, min(_PIECE, offset - self._hashed)))

    def _read(self, offset: int, size: int) -> bytes:
        try:
            data = os.pread(self._file.fileno(), size, offset)
        except OSError as error:
            raise StorageError(f"{self._path} cannot be read: {error.strerror}") from error
        if not data and size:
            raise CorruptBlobError(self.digest)  # cut off since it was opened
        return data


class Part:
    """`size` bytes of a source from `offset` on, as the body of one request. `advance` is told what was given out."""

    def __init__(self, source: Source, offset: int, size: int, advance: Callable[[int], None]) -> None:
        self._source = source
        self._offset = offset
        self._size = size
        self._advance = advance
        self._given = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        for data in self._source.pieces(self._offset, self._size):
            self._given += len(data)
            self._advance(len(data))
            yield data

    def rewind(self) -> None:
        """Nothing of it arrived: it is about to be sent anew."""
        self._advance(-self._given)
        self._given = 0
