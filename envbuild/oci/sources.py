"""Files of an image by name: in a folder, in a tar, or in a tar that can be read only once.

Only regular files are given out, under names that stay inside. Links are followed in a stream alone, and only
to its own members: `docker save` writes a repeated layer as such a link.
"""

from __future__ import annotations

import io
import json
import os
import posixpath
import stat
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from ..errors import BaseImageError, EnvbuildError, IntegrityError, StorageError

if TYPE_CHECKING:
    from .store import Store

JSON_LIMIT = 4 << 20  # bytes of one JSON document, as registries have it
_MEMBERS = 20_000
_SMALL = 1 << 20  # bytes of a member of a stream that is kept in memory
_SMALL_SUM = 32 << 20
_CHUNK = 1 << 20


class Source(Protocol):
    """Where the files of a layout are. `name` is for people."""

    name: str

    def small(self, path: str) -> bytes:
        """A file of at most JSON_LIMIT bytes."""

    def open(self, path: str, size: int) -> AbstractContextManager[BinaryIO]:
        """A file that must have exactly `size` bytes."""


class FolderSource:
    """A folder. Its files must be regular ones: a link could lead anywhere."""

    def __init__(self, root: Path) -> None:
        self.name = str(root)
        self._root = root
        if not root.is_dir():
            raise BaseImageError(f"{root} is no folder", hint="an OCI layout is a folder with an index.json")

    def small(self, path: str) -> bytes:
        """A file of at most JSON_LIMIT bytes."""
        with self._regular(path) as file:
            return _read_small(file, path, self.name)

    @contextmanager
    def open(self, path: str, size: int) -> Iterator[BinaryIO]:
        """A file that must have exactly `size` bytes."""
        with self._regular(path) as file:
            _check_size(path, os.fstat(file.fileno()).st_size, size)
            yield file

    @contextmanager
    def _regular(self, path: str) -> Iterator[BinaryIO]:
        whole = self._root / path
        try:
            for parent in (self._root / "blobs", self._root / "blobs" / "sha256"):
                if parent in whole.parents and parent.is_symlink():
                    raise BaseImageError(f"{parent} is a link, not a folder", hint="copy the layout with cp -rL")
            # Without blocking, or a FIFO would keep us waiting for a writer.
            handle = os.open(whole, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            raise BaseImageError(f"{self.name} has no file {path}", hint="is it a whole OCI layout?") from None
        except OSError as error:
            if whole.is_symlink():
                raise BaseImageError(f"{whole} is a link, not a file", hint="copy the layout with cp -rL") from error
            raise BaseImageError(f"{whole} cannot be read: {error.strerror}") from error
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise BaseImageError(f"{whole} is not a regular file")
            yield file


class ArchiveSource:
    """A tar that can be searched, plain or compressed."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._members: dict[str, tarfile.TarInfo] = {}

    def __enter__(self) -> ArchiveSource:
        if not self._path.is_file():
            raise BaseImageError(f"{self._path} is no file", hint="an OCI archive is a tar of an OCI layout")
        with _tar_errors(self.name):
            self._tar = tarfile.open(self._path, "r:*")
            try:
                for member in _listed(self._tar, self.name):
                    self._members[member.name] = member
            except BaseException:
                self._tar.close()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()

    def has(self, path: str) -> bool:
        """Whether the archive has this file."""
        return path in self._members

    def small(self, path: str) -> bytes:
        """A member of at most JSON_LIMIT bytes."""
        with _tar_errors(self.name):
            return _read_small(self._file(path), path, self.name)

    @contextmanager
    def open(self, path: str, size: int) -> Iterator[BinaryIO]:
        """A member that must have exactly `size` bytes."""
        with _tar_errors(self.name):
            file = self._file(path)
            _check_size(path, self._members[path].size, size)
            yield file

    def _file(self, path: str) -> BinaryIO:
        member = self._members.get(path)
        if member is None:
            raise BaseImageError(f"{self.name} has no file {path}", hint="is it a whole OCI archive?")
        file = self._tar.extractfile(member) if member.isreg() else None
        if file is None:
            raise BaseImageError(f"{path} of {self.name} is a link, not a file")
        return cast(BinaryIO, file)


class StreamSource:
    """A tar that is read once: small members are kept in memory, others in the store."""

    def __init__(self, stream: BinaryIO, store: Store) -> None:
        self.name = str(getattr(stream, "name", "") or "the Docker archive")
        self._store = store
        self._small: dict[str, bytes] = {}
        self._kept: dict[str, tuple[str, int]] = {}
        self._links: dict[str, str] = {}
        room = _SMALL_SUM
        with _tar_errors(self.name), tarfile.open(fileobj=stream, mode="r|*") as tar:
            for member in _listed(tar, self.name):
                if member.issym() or member.islnk():
                    folder = posixpath.dirname(member.name) if member.issym() else ""
                    self._links[member.name] = posixpath.normpath(posixpath.join(folder, member.linkname))
                    continue
                file = tar.extractfile(member)
                if file is None:
                    continue
                if member.size <= min(_SMALL, room):
                    room -= member.size
                    self._small[member.name] = file.read()
                else:
                    self._kept[member.name] = store.ingest(chunks_of(file))
                    self._check_name(member.name, self._kept[member.name][0])

    def has(self, path: str) -> bool:
        """Whether the archive has this file."""
        return self._resolved(path) in self._small.keys() | self._kept.keys()

    def small(self, path: str) -> bytes:
        """A member of at most JSON_LIMIT bytes."""
        name = self._resolved(path)
        if name in self._small:
            return self._small[name]
        digest, size = self._found(path, name)
        if size > JSON_LIMIT:
            raise BaseImageError(f"{path} of {self.name} has {size} bytes; {JSON_LIMIT} are the most")
        return self._store.read(digest)

    def keep(self, path: str) -> tuple[str, int]:
        """Digest and size of a member, which is in the store afterwards."""
        name = self._resolved(path)
        if name in self._small:
            data = self._small[name]
            digest = self._store.put(data)
            self._check_name(name, digest)
            return digest, len(data)
        return self._found(path, name)

    def _found(self, path: str, name: str) -> tuple[str, int]:
        if name not in self._kept:
            raise BaseImageError(
                f"{self.name} has no file {path}", hint="it is not a whole Docker archive, as `docker save` writes it"
            )
        return self._kept[name]

    def _resolved(self, path: str) -> str:
        """The member that a name leads to; a link out of the archive leads to none."""
        name = posixpath.normpath(path)
        for _ in range(8):
            if name not in self._links:
                return name
            name = self._links[name]
        raise BaseImageError(f"{path} of {self.name} is a link without end")

    def _check_name(self, name: str, digest: str) -> None:
        if name.startswith("blobs/sha256/") and name != "blobs/sha256/" + digest[7:]:
            raise IntegrityError(f"{name} of {self.name} has the hash {digest}", hint="fetch the image anew")


def chunks_of(file: BinaryIO | IO[bytes]) -> Iterator[bytes]:
    """What is left of a file, in pieces."""
    while chunk := file.read(_CHUNK):
        yield chunk


def parse_json(data: bytes, what: str) -> Any:
    """A JSON document that somebody else wrote."""
    if len(data) > JSON_LIMIT:
        raise BaseImageError(f"{what} has {len(data)} bytes; {JSON_LIMIT} are the most")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BaseImageError(f"{what} is not JSON: {type(error).__name__}: {error}") from error


def _listed(tar: tarfile.TarFile, archive: str) -> Iterator[tarfile.TarInfo]:
    """The members under plain names. A name twice, outside, or without end is refused."""
    seen: set[str] = set()
    for member in tar:
        name = posixpath.normpath(member.name)
        if name == ".." or name.startswith(("/", "../")):
            raise IntegrityError(f"{archive} has a file outside itself: {member.name}")
        if member.isdir():
            continue
        if member.issparse():
            raise IntegrityError(f"{archive} has a sparse file: {member.name}")
        if name in seen:
            raise IntegrityError(f"{archive} has the file {name} twice")
        if len(seen) == _MEMBERS:
            raise IntegrityError(f"{archive} has more than {_MEMBERS} files")
        seen.add(name)
        member.name = name
        yield member


def _read_small(file: BinaryIO, path: str, archive: str) -> bytes:
    data = file.read(JSON_LIMIT + 1)
    if len(data) > JSON_LIMIT:
        raise BaseImageError(f"{path} of {archive} has more than {JSON_LIMIT} bytes")
    return data


def _check_size(path: str, actual: int, expected: int) -> None:
    if actual != expected:
        raise IntegrityError(f"{path} has {actual} bytes, expected were {expected}", hint="fetch the image anew")


@contextmanager
def _tar_errors(archive: str) -> Iterator[None]:
    try:
        yield
    except EnvbuildError:
        raise
    except (tarfile.TarError, EOFError, zlib.error, io.UnsupportedOperation) as error:
        raise BaseImageError(f"{archive} is no readable tar: {error}", hint="is the file whole?") from error
    except OSError as error:
        raise StorageError(f"{archive} cannot be read: {error.strerror or error}") from error
