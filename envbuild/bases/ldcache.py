"""`/etc/ld.so.cache`, which maps a library's name to its path, in glibc's format `glibc-ld.so.cache1.1`.

The layout is that of `struct cache_file_new` in glibc's sysdeps/generic/dl-cache.h: a header of 48 bytes, 24 bytes
an entry, then the strings, whose offsets count from the start of the file. Readable by every glibc from 2.2 on.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cmp_to_key

_MAGIC = b"glibc-ld.so.cache1.1"
_LITTLE_ENDIAN = 2
_HEADER = struct.Struct("<20sIIB3xI12x")
_ENTRY = struct.Struct("<iIIIQ")

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_STRTAB, _DT_SONAME = 0, 5, 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A shared library: the name that programs ask for, and its path with a leading slash."""

    soname: str
    path: str


def write_cache(libraries: Iterable[Library], flags: int) -> bytes:
    """The cache's bytes. `flags` tell the ABI, e.g. 0x0303 for x86-64 with glibc."""
    paths = {library.soname: library.path for library in libraries}
    # The loader's binary search wants descending order.
    entries = sorted(paths, key=cmp_to_key(compare), reverse=True)
    offset = _HEADER.size + _ENTRY.size * len(entries)
    table, strings = b"", b""
    for soname in entries:
        name, path = soname.encode() + b"\0", paths[soname].encode() + b"\0"
        at = offset + len(strings)
        table += _ENTRY.pack(flags, at, at + len(name), 0, 0)
        strings += name + path
    return _HEADER.pack(_MAGIC, len(entries), len(strings), _LITTLE_ENDIAN, 0) + table + strings


def compare(left: str, right: str) -> int:
    """Order two names as glibc's `_dl_cache_libcmp`: runs of digits by value, digits after anything else."""
    a, b = left.encode() + b"\0", right.encode() + b"\0"
    i = j = 0
    while a[i]:
        if _digit(a[i]):
            if not _digit(b[j]):
                return 1
            first, i = _number(a, i)
            second, j = _number(b, j)
            if first != second:
                return first - second
        elif _digit(b[j]):
            return -1
        elif a[i] != b[j]:
            return a[i] - b[j]
        else:
            i, j = i + 1, j + 1
    return a[i] - b[j]


def read_soname(content: bytes, machine: int) -> str | None:
    """The DT_SONAME of a 64-bit little-endian shared library for `machine` (ELF's e_machine).

    Empty if it bears none; None if it is no such library.
    """
    try:
        if content[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<HH", content, 16) != (3, machine):
            return None
        (at,) = struct.unpack_from("<Q", content, 32)
        entry_size, count = struct.unpack_from("<HH", content, 54)
        loads, dynamic = [], None
        for index in range(count):
            kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", content, at + index * entry_size)
            if kind == _PT_LOAD:
                loads.append((address, offset, size))
            elif kind == _PT_DYNAMIC:
                dynamic = (offset, size)
        if dynamic is None:
            return None
        soname = strings = None
        for position in range(dynamic[0], dynamic[0] + dynamic[1], 16):
            tag, value = struct.unpack_from("<qQ", content, position)
            if tag == _DT_NULL:
                break
            soname = value if tag == _DT_SONAME else soname
            strings = value if tag == _DT_STRTAB else strings
        if soname is None or strings is None:
            return ""
        for address, offset, size in loads:
            if address <= strings < address + size:
                start = strings - address + offset + soname
                return content[start : content.index(b"\0", start)].decode()
    except (struct.error, ValueError, UnicodeDecodeError):
        return None
    return None


def _digit(byte: int) -> bool:
    return 48 <= byte <= 57


def _number(text: bytes, at: int) -> tuple[int, int]:
    value = 0
    while _digit(text[at]):
        value, at = value * 10 + text[at] - 48, at + 1
    return value, at
