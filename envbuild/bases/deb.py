"""A .deb: an ar archive with the control files and the data as two compressed tars."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..errors import BaseImageError
from .compression import open_zstd


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """`text` is the control stanza, `md5sums` maps a path (`usr/bin/x`) to the MD5 of its content.

    `postinst` is the script that a package manager would run after unpacking.
    """

    text: str
    md5sums: dict[str, str]
    postinst: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A member of the data tar. `path` has no leading `./` and is empty for the root.

    `target` is that of a symbolic link, or the path of the file that a hard link names.
    """

    path: str
    kind: str
    mode: int
    target: str = ""
    content: bytes = b""


class Deb:
    """A .deb held in memory, inflated. Raises BaseImageError when it is not one."""

    def __init__(self, content: bytes, name: str) -> None:
        from debian.arfile import ArError, ArFile

        self._name = name
        try:
            archive = ArFile(fileobj=io.BytesIO(content))
            parts = {member.name: member.read() for member in archive.getmembers()}
            self._control = _part(parts, "control.tar", name)
            self._data = _part(parts, "data.tar", name)
        except (ArError, ValueError, OSError, EOFError, lzma.LZMAError) as error:
            raise BaseImageError(f"{name} is not a Debian package: {error}") from None

    def control(self) -> Control:
        """The package's control files."""
        text, sums, postinst = "", {}, ""
        for path, member, tar in self._members(self._control):
            source = tar.extractfile(member) if member.isfile() else None
            if source is not None and path == "control":
                text = source.read().decode("utf-8", "replace")
            elif source is not None and path == "postinst":
                postinst = source.read().decode("utf-8", "replace")
            elif source is not None and path == "md5sums":
                for line in source.read().decode("utf-8", "surrogateescape").splitlines():
                    md5, _, file = line.partition("  ")
                    sums[file] = md5
        return Control(text=text.strip() + "\n", md5sums=sums, postinst=postinst)

    def entries(self) -> Iterator[Entry]:
        """The data, in the order of the archive. Devices and FIFOs, which no base needs, raise BaseImageError."""
        for path, member, tar in self._members(self._data):
            if member.isdir():
                yield Entry(path=path, kind="directory", mode=member.mode)
            elif member.issym():
                yield Entry(path=path, kind="symlink", mode=member.mode, target=member.linkname)
            elif member.islnk():
                target = _clean(member.linkname)
                yield Entry(path=path, kind="hardlink", mode=member.mode, target=target)
            elif member.isfile():
                source = tar.extractfile(member)
                content = source.read() if source else b""
                yield Entry(path=path, kind="file", mode=member.mode, content=content)
            else:
                raise BaseImageError(f"{self._name} holds {path}, which is no file, link or folder")

    def _members(self, content: bytes) -> Iterator[tuple[str, tarfile.TarInfo, tarfile.TarFile]]:
        try:
            with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
                for member in tar:
                    yield _clean(member.name), member, tar
        except tarfile.TarError as error:
            raise BaseImageError(f"{self._name} holds no readable tar: {error}") from None


def _clean(name: str) -> str:
    path = name.removeprefix("./").strip("/")
    return "" if path == "." else path


def _part(parts: Mapping[str, bytes], wanted: str, package: str) -> bytes:
    """The tar `wanted`, inflated by what the end of its name says."""
    for name, content in parts.items():
        match name.removeprefix(wanted) if name.startswith(wanted) else None:
            case ".xz" | ".lzma":
                return lzma.decompress(content)
            case ".gz":
                return gzip.decompress(content)
            case ".bz2":
                return bz2.decompress(content)
            case ".zst":
                with open_zstd(io.BytesIO(content)) as plain:
                    return plain.read()
            case "":
                return content
    raise BaseImageError(f"{package} has no {wanted} that can be read, only {', '.join(parts)}")
