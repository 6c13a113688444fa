"""The two parts of a .conda file, which is a zip: read so that there is no second way to read it.

Whoever unpacks it may go by the list at the end of a zip, or by the headers before each member, and unpacks every
member of the right ending: so these three must say the same.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

_METADATA = "metadata.json"
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_END = struct.Struct("<4sHHHHIIH")
_ZSTD = b"\x28\xb5\x2f\xfd"
_FULL = 0xFFFFFFFF
_ZIP64, _UNICODE_PATH = 0x0001, 0x7075
_ENCRYPTED, _DESCRIPTOR = 0x1, 0x8
# With or without a signature, with sizes of 4 or 8 bytes.
_DESCRIPTORS = (12, 16, 20, 24)


@contextmanager
def parts_of(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The packed `info` and `pkg` parts of the .conda file at `path`.

    Raises ValueError or zipfile.BadZipFile for one that is none, or that can be read in two ways.
    """
    with path.open("rb") as stream, zipfile.ZipFile(stream) as archive:
        _check_order(stream, archive)
        names = [name for name in archive.namelist() if name != _METADATA]
        found = []
        for kind in ("info", "pkg"):
            these = [name for name in names if name.startswith(f"{kind}-") and name.endswith(".tar.zst")]
            if len(these) != 1:
                raise ValueError(f"it has not one part of the kind {kind!r}")
            found += these
        if others := sorted(set(names) - set(found)):
            raise ValueError(f"it has {others[0]!r}, which is no part of a package")
        with archive.open(found[0]) as info, archive.open(found[1]) as pkg:
            for part, name in ((info, found[0]), (pkg, found[1])):
                if part.read(len(_ZSTD)) != _ZSTD:
                    raise ValueError(f"{name!r} is not compressed by zstd")
                part.seek(0)
            yield info, pkg


def _check_order(stream: BinaryIO, archive: zipfile.ZipFile) -> None:
    """Raise ValueError unless the members lie one behind the other from the start on, as the list at the end says."""
    members = sorted(archive.infolist(), key=lambda member: member.header_offset)
    if len({member.filename for member in members}) != len(members):
        raise ValueError("a member of it comes twice")
    position = 0
    ends = [member.header_offset for member in members[1:]] + [archive.start_dir]
    for member, end in zip(members, ends, strict=True):
        name = member.orig_filename
        stream.seek(position)
        header = stream.read(_LOCAL.size)
        if member.header_offset != position or len(header) != _LOCAL.size:
            raise ValueError(f"{name!r} is not where the zip's list has it")
        magic, _, flags, method, _, _, _, packed, _, name_length, extra_length = _LOCAL.unpack(header)
        said, extra = stream.read(name_length), stream.read(extra_length)
        described = bool((flags | member.flag_bits) & _DESCRIPTOR)
        if magic != b"PK\3\4" or said != name.encode("utf-8") or not name.isprintable() or not name.isascii():
            raise ValueError(f"{name!r} has another name before it than in the zip's list")
        if method != 0 or member.compress_type != 0 or (flags | member.flag_bits) & _ENCRYPTED:
            raise ValueError(f"{name!r} is not stored as it is")
        fields = _fields(extra)
        if _UNICODE_PATH in fields or _UNICODE_PATH in _fields(member.extra):
            raise ValueError(f"{name!r} has a second name")
        if packed == _FULL and len(fields.get(_ZIP64, b"")) >= 16:
            packed = struct.unpack_from("<Q", fields[_ZIP64], 8)[0]
        if packed != member.compress_size and not (described and packed == 0):
            raise ValueError(f"{name!r} has another size before it than in the zip's list")
        start = position + _LOCAL.size + name_length + extra_length
        gap = end - start - member.compress_size
        if gap != 0 and not (described and gap in _DESCRIPTORS):
            raise ValueError(f"there is something behind {name!r} that the zip's list does not have")
        position = end
    _check_end(stream, archive, len(members))


def _check_end(stream: BinaryIO, archive: zipfile.ZipFile, count: int) -> None:
    """Raise ValueError where the last bytes are not the end of a zip with `count` members, or not the only one."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _END.size))
    last = stream.read()
    if len(last) != _END.size or not last.startswith(b"PK\5\6"):
        raise ValueError("there is something behind the end of the zip")
    _, disk, first, here, total, _, offset, comment = _END.unpack(last)
    if comment or {disk, first} - {0, 0xFFFF} or {here, total} - {count, 0xFFFF}:
        raise ValueError("the end of the zip says something else than its list")
    if offset not in (archive.start_dir, _FULL):
        raise ValueError("the list of the zip is not where its end says")


def _fields(extra: bytes) -> dict[int, bytes]:
    """What stands in the extra field of a header, by kind; what is no whole field is passed over."""
    found: dict[int, bytes] = {}
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        found[kind], extra = extra[4 : 4 + length], extra[4 + length :]
    return found
