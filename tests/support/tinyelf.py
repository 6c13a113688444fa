"""Shared libraries of a few hundred bytes: headers, a dynamic section and its strings, and nothing to run."""

from __future__ import annotations

import struct
from collections.abc import Sequence

X86_64, AARCH64 = 62, 183
_HEADER, _SEGMENT = 64, 56


def make_library(
    soname: str = "",
    needed: Sequence[str] = (),
    *,
    machine: int = X86_64,
    kind: int = 3,
    strings_first: bool = True,
    headers_last: bool = False,
    padding: int = 0,
) -> bytes:
    """An ELF64 shared object; `padding` bytes lie between its parts, in the order of compilers or of patchelf."""
    strings = b"\0"
    entries = b""
    for tag, name in [*((1, name) for name in needed), *([(14, soname)] if soname else [])]:
        entries += struct.pack("<qQ", tag, len(strings))
        strings += name.encode() + b"\0"
    dynamic_size = len(entries) + 32
    table_size = 2 * _SEGMENT
    at = _HEADER + (0 if headers_last else table_size) + padding
    if strings_first:
        strings_at, dynamic_at = at, at + len(strings) + padding
        end = dynamic_at + dynamic_size
    else:
        dynamic_at, strings_at = at, at + dynamic_size + padding
        end = strings_at + len(strings)
    table_at = end + padding if headers_last else _HEADER
    total = table_at + table_size if headers_last else end
    address = 0x1000  # where the file's start is loaded
    entries += struct.pack("<qQqQ", 5, address + strings_at, 0, 0)
    out = bytearray(total)
    out[:_HEADER] = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        kind,
        machine,
        1,
        0,
        table_at,
        0,
        0,
        _HEADER,
        _SEGMENT,
        2,
        0,
        0,
        0,
    )
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, address, address, total, total, 0x1000)
    section = struct.pack(
        "<IIQQQQQQ", 2, 6, dynamic_at, address + dynamic_at, address + dynamic_at, dynamic_size, dynamic_size, 8
    )
    out[table_at : table_at + table_size] = load + section
    out[dynamic_at : dynamic_at + dynamic_size] = entries
    out[strings_at : strings_at + len(strings)] = strings
    return bytes(out)
