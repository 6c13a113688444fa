"""What really is in the archive of a conda package: its own list of paths need not be the truth.

Whoever unpacks it takes the last of two members of one name, and follows a link that the list calls a file.
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from ...oci.inflate import FREE, plain

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
        name = member.name.removeprefix("./").rstrip("/")
        kind = _kind(member, kinds)
        if kinds.get(name, kind) != kind or (name in kinds and kind != "folder" and f"{name}/".startswith("info/")):
            raise ValueError(f"{name!r} is in the archive twice")
        kinds[name] = kind
        size += member.size
        if size > most:
            raise ValueError(f"it unpacks to more than {most} bytes")
        if kind == "link" and (name == "info" or name.startswith("info/")):
            raise ValueError(f"{name!r} is a link")
    for name in listed:
        if kinds.get(name, "missing") != "file":
            raise ValueError(f"{name!r} is called a file in its list, and is {_SAID[kinds.get(name, 'missing')]}")


_SAID = {"folder": "a folder", "link": "a link", "other": "none", "missing": "not in the archive"}


def _kind(member: tarfile.TarInfo, before: dict[str, str]) -> str:
    if member.isreg():
        return "file"
    if member.isdir():
        return "folder"
    if member.islnk():
        # Of what it is a link to: that comes first.
        return before.get(member.linkname.removeprefix("./"), "other")
    return "link" if member.issym() else "other"


def _members(path: Path) -> Iterator[tarfile.TarInfo]:
    if path.name.endswith(".tar.bz2"):
        with tarfile.open(path, "r|bz2") as tar:
            yield from tar
        return
    stem = path.name.removesuffix(".conda")
    with zipfile.ZipFile(path) as archive:
        for kind in ("info", "pkg"):
            names = [name for name in archive.namelist() if name.startswith(f"{kind}-")]
            if len(names) != 1 or not names[0].endswith(".tar.zst"):
                raise ValueError(f"{stem} has not one part of the kind {kind!r}")
            with (
                archive.open(names[0]) as packed,
                tarfile.open(fileobj=plain(iter(partial(packed.read, _CHUNK), b"")), mode="r|") as tar,
            ):
                yield from tar
