"""The end of a zip archive, which says how large its directory is."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import IO

_END, _END_SIZE, _LONGEST_COMMENT = b"PK\x05\x06", 22, 0xFFFF
# What large archives have before it: a record of their own, and what points to that.
_LARGE, _LARGE_SIZE, _POINTER, _POINTER_SIZE = b"PK\x06\x06", 56, b"PK\x06\x07", 20
_ELSEWHERE = 0xFFFFFFFF


def directory_size(stream: IO[bytes]) -> int:
    """The most bytes that an end record says the directory of the archive has; 0 where there is no such record.

    Who opens the archive parses all of the directory before the first member can be read. The stream stands at its
    beginning then. Source: PKWARE, APPNOTE.TXT, 4.3.14 to 4.3.16.
    """
    end = stream.seek(0, io.SEEK_END)
    stream.seek(max(end - _LONGEST_COMMENT - _END_SIZE - _POINTER_SIZE - _LARGE_SIZE, 0))
    sizes = list(_sizes(stream, stream.read()))
    stream.seek(0)
    return max(sizes, default=0)


def _sizes(stream: IO[bytes], tail: bytes) -> Iterator[int]:
    at = tail.find(_END)
    while 0 <= at <= len(tail) - _END_SIZE:
        (size,) = struct.unpack_from("<L", tail, at + 12)
        pointer = tail[max(at - _POINTER_SIZE, 0) : at]
        if pointer.startswith(_POINTER) and len(pointer) == _POINTER_SIZE:
            # Some readers take the record right before the pointer, others the one that it points to.
            yield _large(tail[max(at - _POINTER_SIZE - _LARGE_SIZE, 0) : at - _POINTER_SIZE])
            (place,) = struct.unpack_from("<Q", pointer, 8)
            if place < 1 << 62:
                stream.seek(place)
                yield _large(stream.read(_LARGE_SIZE))
        if size != _ELSEWHERE or not pointer.startswith(_POINTER):
            yield size
        at = tail.find(_END, at + 1)


def _large(record: bytes) -> int:
    if len(record) < _LARGE_SIZE or not record.startswith(_LARGE):
        return 0
    (size,) = struct.unpack_from("<Q", record, 40)
    return int(size)
