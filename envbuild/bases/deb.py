"""A .deb: an ar archive with the control files and the data as two compressed tars."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import IO, cast

from ..errors import BaseImageError
from .compression import open_zstd


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """`text` is the control stanza, `md5sums` maps a path (`usr/bin/x`) to the MD5 of its content."""

    text: str
    md5sums: dict[str, str]


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
    """A .deb held in memory. Raises BaseImageError when it is not one."""

    def __init__(self, content: bytes, name: str) -> None:
        from debian.arfile import ArError, ArFile

        self._name = name
        try:
            archive = ArFile(fileobj=io.BytesIO(content))
            self._parts = {member.name: member for member in archive.getmembers()}
        except (ArError, ValueError) as error:
            raise BaseImageError(f"{name} is not a Debian package: {error}") from None

    def control(self) -> Control:
        """The package's control files."""
        text, sums = "", {}
        with self._open("control.tar") as tar:
            for member in tar:
                source = tar.extractfile(member) if member.isfile() else None
                if source is None:
                    continue
                name = member.name.removeprefix("./")
                if name == "control":
                    text = source.read().decode("utf-8", "replace")
                elif name == "md5sums":
                    for line in source.read().decode("utf-8", "surrogateescape").splitlines():
                        md5, _, path = line.partition("  ")
                        sums[path] = md5
        return Control(text=text.strip() + "\n", md5sums=sums)

    def entries(self) -> Iterator[Entry]:
        """The data, in the order of the archive. Devices and FIFOs, which no base needs, raise BaseImageError."""
        with self._open("data.tar") as tar:
            for member in tar:
                path = member.name.removeprefix("./").strip("/")
                path = "" if path == "." else path
                mode = member.mode
                if member.isdir():
                    yield Entry(path=path, kind="directory", mode=mode)
                elif member.issym():
                    yield Entry(path=path, kind="symlink", mode=mode, target=member.linkname)
                elif member.islnk():
                    target = member.linkname.removeprefix("./").strip("/")
                    yield Entry(path=path, kind="hardlink", mode=mode, target=target)
                elif member.isfile():
                    source = tar.extractfile(member)
                    yield Entry(path=path, kind="file", mode=mode, content=source.read() if source else b"")
                else:
                    raise BaseImageError(f"{self._name} holds {path}, which is no file, link or folder")

    def _open(self, part: str) -> closing[tarfile.TarFile]:
        for name, member in self._parts.items():
            if name == part or name.startswith(part + "."):
                suffix = name[len(part) :]
                try:
                    stream = _inflate(member, suffix)  # type: ignore[arg-type]  # ArMember reads like a file
                    return closing(tarfile.open(fileobj=stream, mode="r|"))
                except (tarfile.TarError, OSError, EOFError, lzma.LZMAError) as error:
                    raise BaseImageError(f"{name} of {self._name} cannot be read: {error}") from None
        raise BaseImageError(f"{self._name} has no {part}")


def _inflate(source: IO[bytes], suffix: str) -> IO[bytes]:
    """`source` behind the decompressor that its name asks for."""
    source.seek(0)
    match suffix:
        case ".xz" | ".lzma":
            return lzma.LZMAFile(source)
        case ".gz":
            return cast("IO[bytes]", gzip.GzipFile(fileobj=source))
        case ".bz2":
            return bz2.BZ2File(source)
        case ".zst":
            return open_zstd(source)
        case "":
            return source
    raise BaseImageError(f"a Debian package is compressed as {suffix}, which is unknown")
