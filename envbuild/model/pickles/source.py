"""The bytes of a file, decompressed where it is compressed, handed out in windows: memory stays flat."""

from __future__ import annotations

import math
import time
from typing import IO, Any

# How many bytes a window holds, and how many of one file are read at the most; what is stepped over does not count
# unless it must be decompressed.
WINDOW = 1 << 20
MAX_BYTES = 64 << 20
MAX_OPCODES = 2_000_000
# A decoder gives nothing of a read in which it fails, so it is asked for little at a time.
_PIECE = 1 << 16


class Budget:
    """What one file may cost: MAX_BYTES, MAX_OPCODES, and time up to `deadline` (as `time.monotonic` counts)."""

    def __init__(self, deadline: float = math.inf) -> None:
        self.bytes = MAX_BYTES
        self.opcodes = MAX_OPCODES
        self._deadline = deadline

    @property
    def is_spent(self) -> bool:
        """Whether one of the three is used up."""
        return self.bytes <= 0 or self.opcodes <= 0 or time.monotonic() > self._deadline


class Source:
    """Bytes of a stream by their place in it, read forwards. Beyond the budget there are none."""

    def __init__(self, stream: IO[bytes] | Any, budget: Budget, *, seeks: bool) -> None:
        self.budget = budget
        self.start = 0
        self._stream = stream
        self._seeks = seeks
        self._window = b""

    def at(self, position: int) -> bytes:
        """A window from `position` on, empty at the end. `position` must not lie before `start`, the last window's."""
        skip = position - self.start
        kept = self._window[skip:] if skip <= len(self._window) else b""
        if not kept:
            self._skip(skip - len(self._window))
        self.start, self._window = position, kept + self._read(WINDOW - len(kept))
        return self._window

    def byte(self, position: int) -> int:
        """The byte at `position`, 0 at the end."""
        if not self.start <= position < self.start + len(self._window):
            self.at(position)
        return self._window[position - self.start] if position < self.start + len(self._window) else 0

    def _skip(self, size: int) -> None:
        if self._seeks:
            try:
                self._stream.seek(size, 1)
            except (OSError, OverflowError):
                self.budget.bytes = 0
            return
        while size > 0 and (data := self._read(min(size, WINDOW))):
            size -= len(data)

    def _read(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size > 0 and not self.budget.is_spent:
            try:
                data: bytes = self._stream.read(min(size, self.budget.bytes, size if self._seeks else _PIECE))
            except Exception:
                # Damaged or hostile input ends in any of a decoder's errors; what came before is kept.
                break
            if not data:
                break
            parts.append(data)
            size -= len(data)
            self.budget.bytes -= len(data)
        return b"".join(parts)


def open_source(stream: IO[bytes], budget: Budget) -> Source:
    """The content of `stream`, decompressed if its first bytes say so (zlib, gzip, bzip2, xz, lzma)."""
    head = stream.read(6)
    stream.seek(0)
    unpacked = _unpacked(stream, head)
    return Source(stream if unpacked is None else unpacked, budget, seeks=unpacked is None)


def _unpacked(stream: IO[bytes], head: bytes) -> Any:
    if head.startswith(b"\x1f\x8b"):
        import gzip

        return gzip.GzipFile(fileobj=stream)
    if head.startswith(b"BZh"):
        import bz2

        return bz2.BZ2File(stream)
    if head.startswith((b"\xfd7zXZ", b"\x5d\x00\x00")):
        import lzma

        return lzma.LZMAFile(stream)
    if head[:1] == b"\x78" and head[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
        return _Inflating(stream)
    return None


class _Inflating:
    """A zlib stream, read like a file."""

    def __init__(self, stream: IO[bytes]) -> None:
        import zlib

        self._stream = stream
        self._inflate = zlib.decompressobj()
        self._broken = zlib.error

    def read(self, size: int) -> bytes:
        """At most `size` bytes, none at the end; fewer than `size` may come before it."""
        parts: list[bytes] = []
        while size > 0 and not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._stream.read(1 << 16)
            try:
                data = self._inflate.decompress(packed, size)
            except self._broken:
                break
            if not packed and not data:
                break
            parts.append(data)
            size -= len(data)
        return b"".join(parts)
