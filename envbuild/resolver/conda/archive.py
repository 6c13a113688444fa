"""What really is in the archive of a conda package: its own list of paths need not be the truth.

Whoever unpacks it takes the last of two members of one name, whatever way that is written, and follows a link that the
list calls a file.
"""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ...oci.inflate import FREE, plain
from .parts import parts_of

_TIMES = 100
"""A package may unpack to this many times its size, or to FREE bytes."""
_CHUNK = 1 << 20


def check_members(path: Path, listed: Iterable[str]) -> None:
    """Raise ValueError unless each of the paths `listed` as files is a file of its own in the archive at `path`.

    And for an archive that can be read in two ways. Raises OSError, EOFError or BaseImageError for one that cannot be
    read at all. Nothing is unpacked.
    """
    kinds: dict[str, str] = {}
    most, size = FREE + _TIMES * path.stat().st_size, 0
    for member in _members(path):
        name = _plain_name(member.name, folder=member.isdir())
        kind = _kind(member, kinds)
        if kinds.get(name, kind) != kind or (name in kinds and kind != "folder" and f"{name}/".startswith("info/")):
            raise ValueError(f"{name!r} is in the archive twice")
        kinds[name] = kind
        size += member.size
        if size > most:
            raise ValueError(f"it unpacks to more than {most} bytes")
        if kind == "link" and (name == "info" or name.startswith("info/")):
            raise ValueError(f"{name!r} is a link")
    for name in kinds:
        for parent in map(str, PurePosixPath(name).parents):
            if kinds.get(parent, "folder") != "folder":
                raise ValueError(f"{name!r} lies below {parent!r}, which is no folder")
    for name in listed:
        if kinds.get(name, "missing") != "file":
            raise ValueError(f"{name!r} is called a file in its list, and is {_SAID[kinds.get(name, 'missing')]}")


_SAID = {"folder": "a folder", "link": "a link", "other": "none", "missing": "not in the archive"}


def _plain_name(name: str, *, folder: bool = False) -> str:
    """The name of a member, which must be written in the one plain way: `lib/./x` is `lib/x` for who unpacks it."""
    bare = name.removeprefix("./")
    bare = bare.removesuffix("/") if folder else bare
    if folder and bare in ("", "."):
        return "."
    if not bare or bare != posixpath.normpath(bare) or bare.startswith("/") or bare.split("/")[0] in ("..", "."):
        raise ValueError(f"{name[:200]!r} is not written as a plain path")
    return bare


def _kind(member: tarfile.TarInfo, before: dict[str, str]) -> str:
    if member.isreg():
        return "file"
    if member.isdir():
        return "folder"
    if member.islnk():
        # Of what it is a link to: that comes first.
        return before.get(_plain_name(member.linkname), "other")
    return "link" if member.issym() else "other"


def _members(path: Path) -> Iterator[tarfile.TarInfo]:
    if path.name.endswith(".tar.bz2"):
        header = _headers()
        with tarfile.open(path, "r|bz2", tarinfo=header) as tar:
            yield from _read_alike(tar, header)
        return
    with parts_of(path) as parts:
        for part in parts:
            header = _headers()
            packed = plain(iter(partial(part.read, _CHUNK), b""))
            with tarfile.open(fileobj=packed, mode="r|", tarinfo=header) as tar:
                yield from _read_alike(tar, header)


class _Header(tarfile.TarInfo):
    """A member that remembers of which kinds the headers before it are."""

    kinds: list[bytes]

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str | None, errors: str) -> _Header:
        found = super().frombuf(buf, encoding or "utf-8", errors)
        cls.kinds.append(found.type)
        return found


def _headers() -> type[_Header]:
    """A class for one archive."""
    return type("_Header", (_Header,), {"kinds": []})


def _read_alike(tar: tarfile.TarFile, header: type[_Header]) -> Iterator[tarfile.TarInfo]:
    """The members. ValueError for what readers of tars take for different things: names given twice, other sizes."""
    for member in tar:
        kinds = [kind for kind in header.kinds if kind in _MORE]
        header.kinds.clear()
        pax = {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE} & set(kinds)
        if len(set(kinds)) != len(kinds) or (pax and len(kinds) > 1):
            raise ValueError(f"{member.name[:200]!r} is named twice")
        odd = [key for key in member.pax_headers if key == "size" or key.startswith("GNU.sparse")]
        odd += [key for key in tar.pax_headers if key in ("path", "linkpath", "size")]
        if odd:
            raise ValueError(f"{member.name[:200]!r} has a header {odd[0]!r}, which no package needs")
        yield member
    stream: IO[bytes] | Any = tar.fileobj
    while rest := stream.read(_CHUNK):
        if rest.strip(b"\0"):
            raise ValueError("there is something behind the end of its archive")


_MORE = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
