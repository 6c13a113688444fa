"""Which versions of which libraries' symbols a shared library or a program asks for: `GLIBC_2.34` of `libc.so.6`.

The section of needed versions of ELF (.gnu.version_r, Linux Standard Base, chapter 10). Nothing in the file is
believed: every offset and every count has a bound.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

_ET_EXEC, _ET_DYN = 2, 3
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_STRTAB = 0, 5
_DT_VERNEED, _DT_VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF
_MOST_HEADERS, _LARGEST_HEADER = 512, 256
_LARGEST_DYNAMIC = 1 << 18
_MOST_LIBRARIES, _MOST_VERSIONS = 1024, 4096
_LONGEST_NAME = 255
_NEED, _AUX = struct.Struct("<HHIII"), struct.Struct("<IHHII")


def needed_versions(file: BinaryIO) -> dict[str, tuple[str, ...]]:
    """The versions by the library that has them, of a 64-bit little-endian file that can be sought in.

    Empty where it asks for none, for anything else than ELF, and for damage.
    """
    try:
        return _read(file)
    except (struct.error, ValueError, OverflowError):
        return {}


def _read(file: BinaryIO) -> dict[str, tuple[str, ...]]:
    head = _at(file, 0, 64)
    kind, _ = struct.unpack_from("<HH", head, 16)
    if head[:6] != b"\x7fELF\x02\x01" or kind not in (_ET_EXEC, _ET_DYN):
        return {}
    (table_at,) = struct.unpack_from("<Q", head, 32)
    size, count = struct.unpack_from("<HH", head, 54)
    if count > _MOST_HEADERS or not 56 <= size <= _LARGEST_HEADER:
        return {}
    table = _at(file, table_at, size * count)
    loads: list[tuple[int, int, int]] = []
    entries: dict[int, int] = {}
    for index in range(count):
        what, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", table, index * size)
        if what == _PT_LOAD:
            loads.append((address, offset, length))
        elif what == _PT_DYNAMIC:
            section = _at(file, offset, min(length, _LARGEST_DYNAMIC) // 16 * 16)
            for tag, value in struct.iter_unpack("<qQ", section):
                if tag == _DT_NULL:
                    break
                entries.setdefault(tag, value)
    if _DT_VERNEED not in entries or _DT_STRTAB not in entries:
        return {}
    strings = _offset(loads, entries[_DT_STRTAB])
    return _needs(file, _offset(loads, entries[_DT_VERNEED]), entries.get(_DT_VERNEEDNUM, 0), strings)


def _needs(file: BinaryIO, at: int, count: int, strings: int) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    left = _MOST_VERSIONS
    for _ in range(min(count, _MOST_LIBRARIES)):
        _, many, library, first, following = _NEED.unpack(_at(file, at, _NEED.size))
        names, place = [], at + first
        for _ in range(min(many, left)):
            _, _, _, name, after = _AUX.unpack(_at(file, place, _AUX.size))
            names.append(_text(file, strings + name))
            if not after:
                break
            place += after
        left -= len(names)
        key = _text(file, strings + library)
        found[key] = (*found.get(key, ()), *names)
        if not following:
            break
        at += following
    return found


def _offset(loads: list[tuple[int, int, int]], address: int) -> int:
    """Where in the file the address lies."""
    for start, offset, length in loads:
        if start <= address < start + length:
            return address - start + offset
    raise ValueError("an address that no part of the file is loaded to")


def _at(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    found = file.read(size)
    if len(found) != size:
        raise ValueError("the file ends too early")
    return found


def _text(file: BinaryIO, at: int) -> str:
    file.seek(at)
    text, zero, _ = file.read(_LONGEST_NAME + 1).partition(b"\0")
    if not zero:
        raise ValueError("a name without an end")
    return text.decode("utf-8")
