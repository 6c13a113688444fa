"""What a shared library says of itself: its own name, and the libraries that the loader must find with it.

The dynamic section of ELF (System V ABI, chapter 5) is read from a stream, so that a library inside of a wheel is
neither unpacked nor held in memory. Nothing in the file is believed: every offset and every count has a bound.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

# Machines as e_machine names them.
MACHINES = {"x86_64": 62, "aarch64": 183}

# Where the dynamic section lies behind this many bytes, the file is not read further: a library of a graphics card.
_FARTHEST = 768 << 20
_HEAD = 8 << 20
_ET_DYN = 3
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_SONAME = 0, 1, 5, 14
_MOST_HEADERS, _LARGEST_HEADER = 512, 256
_LARGEST_DYNAMIC = 1 << 18
_MOST_NEEDED = 1024
_LONGEST_NAME = 255

Chunks = Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dynamic:
    """A library's machine (e_machine), its DT_SONAME (empty if it has none) and its DT_NEEDED, in their order."""

    machine: int
    soname: str
    needed: tuple[str, ...]


def read_dynamic(chunks: Chunks) -> Dynamic | None:
    """What the dynamic section of a 64-bit little-endian shared object says; None for anything else, or damage.

    `chunks` begins a new reading of the file from its start. As a rule one reading does, at most three are made.
    """
    source = _Source(chunks)
    try:
        head = source.read(0, 64)
        if head[:6] != b"\x7fELF\x02\x01":
            return None
        kind, machine = struct.unpack_from("<HH", head, 16)
        (at,) = struct.unpack_from("<Q", head, 32)
        entry_size, count = struct.unpack_from("<HH", head, 54)
        if kind != _ET_DYN or count > _MOST_HEADERS or not 56 <= entry_size <= _LARGEST_HEADER:
            return None
        table = source.read(at, entry_size * count)
        loads, place = [], None
        for index in range(count):
            kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", table, index * entry_size)
            if kind == _PT_LOAD:
                loads.append((address, offset, size))
            elif kind == _PT_DYNAMIC:
                place = (offset, min(size, _LARGEST_DYNAMIC))
        if place is None:
            return None
        needed, soname, strings = _entries(source.read(*place))
        wanted = [*needed, *([] if soname is None else [soname])]
        for address, offset, size in loads:
            if address <= strings < address + size:
                start = strings - address + offset
                names = {at: _name(source, start + at) for at in sorted(set(wanted))}
                own = names[soname] if soname is not None else ""
                return Dynamic(machine=machine, soname=own, needed=tuple(names[at] for at in needed))
        return None if wanted else Dynamic(machine=machine, soname="", needed=())
    except (struct.error, ValueError):
        return None


def _entries(section: bytes) -> tuple[list[int], int | None, int]:
    """Of a dynamic section: where in the strings the needed names are, where the own one, the strings' address."""
    needed: list[int] = []
    soname, strings = None, -1
    for tag, value in struct.iter_unpack("<qQ", section[: len(section) // 16 * 16]):
        if tag == _DT_NULL:
            break
        if tag == _DT_NEEDED:
            needed.append(value)
        elif tag == _DT_SONAME:
            soname = value
        elif tag == _DT_STRTAB:
            strings = value
    if len(needed) > _MOST_NEEDED:
        raise ValueError("more libraries than any real file names")
    return needed, soname, strings


def _name(source: _Source, at: int) -> str:
    text, zero, _ = source.read(at, _LONGEST_NAME + 1, short=True).partition(b"\0")
    if not zero:
        raise ValueError("a name without an end")
    return text.decode("utf-8")


class _Source:
    """Pieces of a stream by their offset. Its head is kept; going back behind that begins a new reading."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks
        self._readings = 0
        self._head = bytearray()
        self._size = -1  # known once the end was seen
        self._begin()

    def _begin(self) -> None:
        self._readings += 1
        if self._readings > 3:
            raise ValueError("the file leads to and fro")
        self._stream: Iterator[bytes] = iter(self._chunks())
        self._start = 0
        self._held = b""

    def read(self, offset: int, size: int, *, short: bool = False) -> bytes:
        """`size` bytes at `offset`, fewer only if `short` and at the file's end. ValueError: they are not there."""
        end = offset + size
        if end > _FARTHEST:
            raise ValueError("too far into the file")
        if end <= len(self._head) or (short and self._size == len(self._head)):
            return bytes(self._head[offset:end])
        if offset < self._start:
            self._begin()
        while self._start + len(self._held) < end:
            chunk = next(self._stream, b"")
            at = self._start + len(self._held)
            if not chunk:
                self._size = at
                break
            if len(self._head) == at < _HEAD:
                self._head += chunk[: _HEAD - at]
            if at <= offset:
                self._start, self._held = at, chunk
            else:
                self._held += chunk
        found = self._held[max(offset - self._start, 0) : end - self._start]
        if len(found) < size and not short:
            raise ValueError("the file ends too early")
        return found
