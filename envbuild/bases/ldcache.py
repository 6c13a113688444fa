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

_LONGEST = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A shared library: the name that programs ask for, and its path with a leading slash."""

    soname: str
    path: str


def write_cache(libraries: Iterable[Library], flags: int) -> bytes:
    """The cache's bytes. `flags` tell the ABI, e.g. 0x0303 for x86-64 with glibc.

    Of several libraries of one name the loader takes the first.
    """
    by_name = cmp_to_key(compare)
    # The loader's binary search wants descending order.
    entries = sorted(libraries, key=lambda library: by_name(library.soname), reverse=True)
    offset = _HEADER.size + _ENTRY.size * len(entries)
    table, strings = b"", b""
    for library in entries:
        name, path = library.soname.encode() + b"\0", library.path.encode() + b"\0"
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


def read_cache(content: bytes) -> list[Library]:
    """The libraries of a cache, in its order; those that can be read of one that is damaged, none of another format."""
    # glibc before 2.32 wrote this format behind an older one; the offsets count from its own start.
    at = content.find(_MAGIC)
    if at < 0 or len(content) - at < _HEADER.size:
        return []
    table = memoryview(content)[at:]
    count = _HEADER.unpack_from(table)[1]
    found = []
    for index in range(min(count, (len(table) - _HEADER.size) // _ENTRY.size)):
        _, name_at, path_at, _, _ = _ENTRY.unpack_from(table, _HEADER.size + index * _ENTRY.size)
        name, path = (_text(content, at + place) for place in (name_at, path_at))
        if name and path:
            found.append(Library(soname=name, path=path))
    return found


def _text(content: bytes, at: int) -> str:
    end = content.find(b"\0", at, at + _LONGEST)
    return content[at:end].decode("utf-8", "replace") if end > at else ""


def _digit(byte: int) -> bool:
    return 48 <= byte <= 57


def _number(text: bytes, at: int) -> tuple[int, int]:
    value = 0
    while _digit(text[at]):
        value, at = value * 10 + text[at] - 48, at + 1
    return value, at
