"""A tar whose every byte is decided here: equal calls give equal bytes on any host and under any Python.

The format is POSIX pax: one 512-byte ustar header an entry, and an extended header before it only where a
name is longer than 100 bytes or not ASCII, or a size does not fit. Owner names are empty, the time is EPOCH.
Only what an image layer should hold can be written: no path twice, no way out of the root, no whiteout.
"""

from __future__ import annotations

from typing import Protocol

from ..errors import IntegrityError
from .canonical import EPOCH

_BLOCK = 512
_RECORD = 10240
_CHUNK = 1 << 20
_LARGEST_SIZE = 8**11 - 1
_LARGEST_OWNER = 8**7 - 1

_FILE, _SYMLINK, _DIRECTORY, _EXTENDED = b"0", b"2", b"5", b"x"


class SupportsWrite(Protocol):
    """Anything that takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take all of `data`."""


class SupportsRead(Protocol):
    """Anything that gives bytes."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


class LayerTar:
    """Writes the entries of a layer to `out`, in the order of the calls.

    Paths are relative, POSIX and without a leading slash. Parents that were not written yet are written as
    0755 directories before their first child. IntegrityError: a path is unfit, was there already, or a file
    has not the size that was announced.
    """

    def __init__(self, out: SupportsWrite) -> None:
        self._out = out
        self._size = 0
        self._directories: dict[str, int] = {"": 0o755}
        self._others: set[str] = set()

    def __contains__(self, path: object) -> bool:
        """Whether an entry of this path was written."""
        return path in self._others or path in self._directories

    def directory(self, path: str, mode: int = 0o755, *, uid: int = 0, gid: int = 0) -> None:
        """A directory. Writing it again with the same mode does nothing."""
        if self._directories.get(path) == mode and path:
            return
        self._claim(path)
        self._directories[path] = mode
        self._write(_header(path + "/", _DIRECTORY, mode, uid, gid))

    def file(
        self, path: str, source: SupportsRead, size: int, mode: int = 0o644, *, uid: int = 0, gid: int = 0
    ) -> None:
        """A regular file with the `size` bytes that `source` gives."""
        self.head(path, size, mode, uid=uid, gid=gid)
        left = size
        while left:
            chunk = source.read(min(left, _CHUNK))
            if not chunk:
                raise IntegrityError(f"{path} has {size - left} bytes where {size} were announced")
            if len(chunk) > left:
                raise IntegrityError(f"{path} has more than the {size} bytes that were announced")
            self._write(chunk)
            left -= len(chunk)
        if source.read(1):
            raise IntegrityError(f"{path} has more than the {size} bytes that were announced")
        self._pad(size)

    def head(self, path: str, size: int, mode: int = 0o644, *, uid: int = 0, gid: int = 0) -> None:
        """What comes before the content of a regular file."""
        self._claim(path)
        self._others.add(path)
        self._write(_header(path, _FILE, mode, uid, gid, size=size))

    def data(self, path: str, content: bytes, mode: int = 0o644, *, uid: int = 0, gid: int = 0) -> None:
        """A regular file with the bytes at hand."""
        self._claim(path)
        self._others.add(path)
        header = _header(path, _FILE, mode, uid, gid, size=len(content))
        self._write(header + content + bytes(-len(content) % _BLOCK))

    def symlink(self, path: str, target: str) -> None:
        """A symbolic link to `target`, which may be any path."""
        if not target or "\0" in target:
            raise IntegrityError(f"{path} is a link to {target!r}")
        self._claim(path)
        self._others.add(path)
        self._write(_header(path, _SYMLINK, 0o777, target=target))

    def close(self) -> None:
        """End the archive and fill its last record; `out` stays open."""
        self._write(bytes(2 * _BLOCK))
        self._write(bytes(-self._size % _RECORD))

    def _claim(self, path: str) -> None:
        """Check a new path and write the parents that it lacks."""
        if path in self:
            raise IntegrityError(f"{path or '/'} would be written twice in one layer")
        check_path(path)
        if path.rpartition("/")[0] not in self._directories:
            parts = path.split("/")
            for depth in range(1, len(parts)):
                self._parent("/".join(parts[:depth]), path)

    def _parent(self, parent: str, child: str) -> None:
        if parent in self._others:
            raise IntegrityError(f"{child} would be written below {parent}, which is not a directory")
        if parent not in self._directories:
            self._directories[parent] = 0o755
            self._write(_header(parent + "/", _DIRECTORY, 0o755))

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._size += len(data)

    def _pad(self, size: int) -> None:
        if size % _BLOCK:
            self._write(bytes(-size % _BLOCK))


def around(path: str, size: int, mode: int = 0o644) -> tuple[bytes, int]:
    """What comes before the content of a layer's only file, and the size of that layer in bytes."""
    parts: list[bytes] = []

    class Head:
        def write(self, data: bytes, /) -> None:
            parts.append(data)

    tar = LayerTar(Head())
    tar.head(path, size, mode)
    head = b"".join(parts)
    end = len(head) + size + -size % _BLOCK + 2 * _BLOCK
    return head, end + -end % _RECORD


def check_path(path: str) -> None:
    """IntegrityError if `path` cannot be an entry of a layer."""
    if not path or "\0" in path:
        raise IntegrityError(f"{path!r} is not a path that a layer can hold")
    for part in path.split("/"):
        if part in ("", ".", ".."):
            raise IntegrityError(f"{path!r} is not a plain relative path")
        if part.startswith(".wh."):
            raise IntegrityError(f"{path!r} would hide a file of a lower layer: names with .wh. are reserved")
        if len(part) > 63 and len(part.encode("utf-8", "surrogateescape")) > 255:
            raise IntegrityError(f"{path!r} has a name longer than 255 bytes")


def _header(path: str, kind: bytes, mode: int, uid: int = 0, gid: int = 0, *, size: int = 0, target: str = "") -> bytes:
    """The header block of an entry, preceded by an extended header where one is needed."""
    name, link = _encode(path), _encode(target)
    if not (0 <= uid <= _LARGEST_OWNER and 0 <= gid <= _LARGEST_OWNER):
        raise IntegrityError(f"{path} belongs to {uid}:{gid}, which a layer cannot hold")
    records = b""
    if len(link) > 100 or not link.isascii():
        records += _pax_record(b"linkpath", link)
    if len(name) > 100 or not name.isascii():
        records += _pax_record(b"path", name)
    if size > _LARGEST_SIZE:
        records += _pax_record(b"size", b"%d" % size)
        size = 0
    block = _block(_shorten(path), kind, mode, uid, gid, size, _shorten(target))
    if not records:
        return block
    extended = _block(b"././@PaxHeader", _EXTENDED, 0o644, 0, 0, len(records), b"")
    return extended + records + bytes(-len(records) % _BLOCK) + block


def _block(name: bytes, kind: bytes, mode: int, uid: int, gid: int, size: int, link: bytes) -> bytes:
    """A ustar block: name, mode, uid, gid, size, mtime, checksum, type, link, magic; the rest stays empty."""
    fields = (name.ljust(100, b"\0"), mode & 0o7777, uid, gid, size, EPOCH)
    head = b"%b%07o\0%07o\0%07o\0%011o\0%011o\0" % fields
    tail = (kind + link.ljust(100, b"\0") + b"ustar\x0000").ljust(_BLOCK - 156, b"\0")
    return head + b"%06o\0 " % (sum(head) + sum(tail) + 8 * 32) + tail


def _encode(path: str) -> bytes:
    try:
        return path.encode()
    except UnicodeEncodeError:
        raise IntegrityError(
            f"{path!r} is not valid UTF-8", hint="rename the file: image layers hold UTF-8 names only"
        ) from None


def _shorten(path: str) -> bytes:
    """What a reader without pax sees."""
    return path.encode("ascii", "replace")[:100]


def _pax_record(key: bytes, value: bytes) -> bytes:
    """`<length> <key>=<value>`, where the length counts its own digits."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d" % length + rest
