"""Entries of a layer's tar that somebody else wrote, with bounds: what is small when it is packed may be without end.

Python's tarfile takes an entry's extended header into memory whole, keeps every entry that it has read, looks for the
end of an entry behind the end of the tar, and fails in many ways over numbers that are none.
"""

from __future__ import annotations

import math
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from tarfile import ReadError
from typing import IO, TYPE_CHECKING, Any, NoReturn, cast

from ..errors import BaseImageError
from .inflate import plain

if TYPE_CHECKING:
    from typing_extensions import Self

MOST_ENTRIES = 2_000_000
"""Of one layer; more is no image that serves a model."""
MOST_NAMES = 1 << 30
"""Bytes of the names of one layer, with those of the folders on the way, and of what extended headers say."""
_LONGEST = 4096  # bytes of a path, as the kernel has it
_LONGEST_PART = 255
_DEEPEST = 256
_MOST_ENDS = 8  # how often tarfile may read at the end: to skip what is left of an entry, it reads on without end
_LARGEST_HEADER = 1 << 20
_EXTENDED = frozenset(
    {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
)


class BoundedInfo(tarfile.TarInfo):
    """An entry whose extended header is small. BaseImageError otherwise, and for a sparse file: its map has no end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """The entry of a header block."""
        info = super().frombuf(buf, encoding, errors)
        if info.type in _EXTENDED and info.size > _LARGEST_HEADER:
            raise BaseImageError(f"an entry has a header of {info.size} bytes; {_LARGEST_HEADER} are the most")
        if info.type == tarfile.GNUTYPE_SPARSE:
            _refuse_sparse()
        return info

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        """The next entry. ReadError where its numbers make no sense."""
        try:
            info = super().fromtarfile(tarfile)
        except (ValueError, IndexError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
            raise ReadError(f"an entry makes no sense: {type(error).__name__}") from None
        if info.size < 0 or not math.isfinite(info.mtime) or not all(key.isprintable() for key in info.pax_headers):
            raise ReadError("an entry has a size, a time or an attribute that is none")
        return info

    def _proc_gnusparse_10(self, *_: Any) -> None:
        # The map lies in the file's content. Where tarfile calls this otherwise, only the bound is lost.
        _refuse_sparse()


class _Readable:
    """A stream whose faults are a tar's: whoever unpacks it has faults of their own, such as a full disk."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._ends = 0

    def read(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise ReadError(str(error)) from None
        if not data:
            self._ends += 1
            if self._ends > _MOST_ENDS:
                raise ReadError("an entry is longer than the tar")
        return data


def _refuse_sparse() -> NoReturn:
    raise BaseImageError("the image has a sparse file", hint="pack the image's files without `--sparse`")


def open_tar(stream: IO[bytes]) -> tarfile.TarFile:
    """The tar to read once, front to back, whose entries are bounded one by one. What cannot be read is a TarError."""
    readable = cast("IO[bytes]", _Readable(stream))
    return tarfile.open(fileobj=readable, mode="r|", errors="surrogateescape", tarinfo=BoundedInfo)


@contextmanager
def open_layer_tar(chunks: Iterator[bytes], digest: str) -> Iterator[tarfile.TarFile]:
    """The layer `digest`, however it is compressed, as `open_tar` gives it. `chunks` check its hash at their end.

    They are read to their end in any case: that a blob is damaged is told before what follows from it. BaseImageError
    for what is no tar.
    """
    try:
        with open_tar(plain(chunks)) as tar:
            yield tar
    except BaseImageError:
        _drain(chunks)
        raise
    except tarfile.TarError as error:
        _drain(chunks)
        raise BaseImageError(f"the layer {digest} is no readable tar: {error}") from None
    _drain(chunks)


def _drain(chunks: Iterator[bytes]) -> None:
    for _ in chunks:
        pass


def members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The entries, none of them kept. BaseImageError where they, or their names, have no end."""
    count, room = 0, MOST_NAMES
    while (member := tar.next()) is not None:
        _kept(tar).clear()
        _check_names(member)
        if member.issparse():
            _refuse_sparse()
        count += 1
        room -= len(member.name) * (member.name.count("/") + 1) + len(member.linkname)
        room -= sum(len(name) + len(value) for name, value in member.pax_headers.items())
        if count > MOST_ENTRIES or room < 0:
            what = f"{MOST_ENTRIES} entries" if room >= 0 else f"{MOST_NAMES} bytes of names"
            raise BaseImageError(f"a layer has more than {what}", hint="is it a container image?")
        yield member


def _check_names(member: tarfile.TarInfo) -> None:
    """BaseImageError for names that no file system has."""
    what = ""
    for name in (member.name, member.linkname):
        raw = name.encode("utf-8", "surrogateescape")
        depth = raw.count(b"/")
        if len(raw) > _LONGEST:
            what = f"a path of {len(raw)} bytes"
        elif depth > _DEEPEST:
            what = f"an entry {depth} folders deep"
        elif b"\0" in raw:
            what = "a name with a NUL in it"
        elif len(raw) > _LONGEST_PART and any(len(part) > _LONGEST_PART for part in raw.split(b"/")):
            what = f"a name of more than {_LONGEST_PART} bytes"
    if what:
        raise BaseImageError(f"the image has {what}", hint="is it a container image?")


def _kept(tar: tarfile.TarFile) -> list[tarfile.TarInfo]:
    found: list[tarfile.TarInfo] = vars(tar)["members"]
    return found
