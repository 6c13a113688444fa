"""What really is in the archive of a conda package: its own list of paths need not be the truth.

Whoever unpacks it takes the last of two members of one name, whatever way that is written, and follows a link that the
list calls a file.
"""

from __future__ import annotations

import bz2
import posixpath
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, cast

from ...errors import BaseImageError
from ...oci.inflate import FREE, plain
from ...oci.untrusted import MOST_ENTRIES, MOST_NAMES, BoundedInfo
from .parts import parts_of

if TYPE_CHECKING:
    from typing_extensions import Self

_TIMES = 100
"""A package may unpack to this many times its size, or to FREE bytes."""
_CHUNK = 1 << 20
_LARGEST_INFO = 64 << 20  # bytes of a file below info/: a list of 200,000 paths has no more
_LONGEST = 4096  # bytes of a path, as the kernel has it
_MOST_HEADERS = 4  # of one member: its own, and those before it that say more of it


def kinds_in(path: Path, *, until: str = "") -> dict[str, str]:
    """What each member of the archive at `path` is, by name: `file`, `folder`, `link` or `other`. Nothing is unpacked.

    All that others read of it later is bounded then: its headers, and its own lists. With `until` only as far as the
    file of that name, for who reads no further. Raises ValueError for an archive that is too large in one of them or
    can be read in two ways; tarfile.TarError, OSError, EOFError or BaseImageError for one that cannot be read at all.
    """
    kinds: dict[str, str] = {}
    most, size, names = FREE + _TIMES * path.stat().st_size, 0, 0
    for member in _members(path):
        names += len(member.name) * (member.name.count("/") + 1)
        size += member.size + tarfile.BLOCKSIZE
        if len(member.name) > _LONGEST or names > MOST_NAMES or len(kinds) > MOST_ENTRIES:
            raise ValueError("it has longer names, or more of them, than any package")
        name = _plain_name(member.name, folder=member.isdir())
        kind = _kind(member, kinds)
        if kinds.get(name, kind) != kind or (name in kinds and kind != "folder" and f"{name}/".startswith("info/")):
            raise ValueError(f"{name!r} is in the archive twice")
        kinds[name] = kind
        if size > most:
            raise ValueError(f"it unpacks to more than {most} bytes")
        if name == "info" or name.startswith("info/"):
            if kind == "link":
                raise ValueError(f"{name!r} is a link")
            if member.size > _LARGEST_INFO:
                raise ValueError(f"{name!r} has {member.size} bytes; {_LARGEST_INFO} are the most")
        if member.name == until and kind == "file":
            return kinds
    for name in kinds:
        for parent in map(str, PurePosixPath(name).parents):
            if kinds.get(parent, "folder") != "folder":
                raise ValueError(f"{name!r} lies below {parent!r}, which is no folder")
    return kinds


def check_listed(kinds: Mapping[str, str], listed: Iterable[str]) -> None:
    """Raise ValueError unless each of the paths `listed` as files is a file of its own among the `kinds` of members."""
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
        with path.open("rb") as packed:
            bare = cast("IO[bytes]", _Bunzipped(packed))
            with tarfile.open(fileobj=bare, mode="r|", tarinfo=header) as tar:
                yield from _read_alike(tar, header)
        return
    with parts_of(path) as parts:
        for part in parts:
            header = _headers()
            with tarfile.open(fileobj=plain(iter(partial(part.read, _CHUNK), b"")), mode="r|", tarinfo=header) as tar:
                yield from _read_alike(tar, header)


class _Bunzipped:
    """What is packed in a .tar.bz2, to be read once in small pieces: tarfile itself takes all that comes of 10 KiB."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._unpacker = bz2.BZ2Decompressor()

    def read(self, size: int) -> bytes:
        while not self._unpacker.eof:
            packed = self._packed.read(_CHUNK) if self._unpacker.needs_input else b""
            if self._unpacker.needs_input and not packed:
                raise EOFError("it ends too early")
            if data := self._unpacker.decompress(packed, size):
                return data
        if self._unpacker.unused_data or self._packed.read(1):
            raise ValueError("there is something behind the end of its archive")
        return b""


class _Header(BoundedInfo):
    """A member that remembers of which kinds the headers before it are: few, and small ones."""

    kinds: list[bytes]

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            found = super().frombuf(buf, encoding, errors)
        except BaseImageError:
            raise tarfile.ReadError("one of its headers is too large, or that of a sparse file") from None
        cls.kinds.append(found.type)
        if len(cls.kinds) > _MOST_HEADERS:
            raise tarfile.ReadError("one of its members has too many headers")
        return found


def _headers() -> type[_Header]:
    """A class for one archive."""
    return type("_Header", (_Header,), {"kinds": []})


def _read_alike(tar: tarfile.TarFile, header: type[_Header]) -> Iterator[tarfile.TarInfo]:
    """The members. ValueError for what readers of tars take for different things: names given twice, other sizes."""
    while (member := tar.next()) is not None:
        vars(tar)["members"].clear()  # it would keep every one
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
