"""A layer laid over a folder of the host, without trust in what it says.

Every name is resolved inside the folder, as the kernel would after chroot; what lies outside cannot be reached.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import BaseImageError
from ..oci.store import Store
from ..oci.types import Layer
from ..oci.untrusted import members, open_layer_tar
from .links import follow

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


@contextmanager
def open_layer(store: Store, layer: Layer) -> Iterator[tarfile.TarFile]:
    """The layer as a tar to read once, front to back. Raises BaseImageError when it is none or has no end.

    CorruptBlobError for a damaged blob, at the end at the latest.
    """
    with open_layer_tar(store.stream(layer.digest), layer.digest) as tar:
        yield tar


def unpack_layer(store: Store, layer: Layer, root: Path) -> None:
    """Lay one layer over what is in `root`. Devices, FIFOs and owners are left out.

    Raises BaseImageError for a name that cannot be inside, CorruptBlobError for a damaged blob.
    """
    for _ in store.stream(layer.digest):  # the hash first: nothing of a damaged blob is written
        pass
    written: set[Path] = set()
    links: dict[Path, str] = {}  # what the layer says they point to
    folders: dict[tuple[str, ...], Path] = {}  # as they are resolved while no link and no removal changes the way
    with open_layer(store, layer) as tar:
        for parts, member in entries(tar, layer):
            above = tuple(parts[:-1])
            folder = folders.get(above) or folders.setdefault(above, _folder(root, parts[:-1]))
            name = parts[-1]
            if member.issym() or name.startswith(_WHITEOUT) or os.path.lexists(folder / name):
                folders.clear()
            if name == _OPAQUE:
                for child in folder.iterdir():
                    if child not in written:
                        _remove(child)
            elif name.startswith(_WHITEOUT):
                hidden = name.removeprefix(_WHITEOUT)
                if hidden in ("", ".", ".."):
                    raise BaseImageError(f"the layer {layer.digest} names {member.name!r}, which is no whiteout")
                _remove(folder / hidden)
            else:
                _write(tar, member, folder / name, root, links)
                written.add(folder / name)


def clean_parts(name: str) -> list[str] | None:
    """The parts of a member's name; None if one of them is `..` or it holds a NUL."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return None if ".." in parts or "\0" in name else parts


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, root: Path, links: dict[Path, str]) -> None:
    if member.isdir():
        if path.is_symlink() or not path.is_dir():
            _remove(path)
            path.mkdir()
        path.chmod((member.mode & 0o777) | 0o700)
        return
    if not (member.isfile() or member.issym() or member.islnk()):
        return
    _remove(path)
    if member.issym():
        links[path] = member.linkname
        path.symlink_to(_relative(member.linkname, path.parent, root))
    elif member.islnk():
        parts = clean_parts(member.linkname)
        if not parts:
            raise BaseImageError(f"{member.name} is a link to {member.linkname!r}, which leaves the image")
        source = _folder(root, parts[:-1]) / parts[-1]
        if not source.is_symlink() and not source.is_file():
            raise BaseImageError(f"{member.name} is a link to {member.linkname}, which the image does not have")
        if source.is_symlink():
            # From another folder the same target may lead elsewhere, and out of the root.
            links[path] = links.get(source) or str(source.readlink())
            path.symlink_to(_relative(links[path], path.parent, root))
        else:
            os.link(source, path)
    else:
        content = tar.extractfile(member)
        with path.open("xb") as out:
            if content is not None:
                shutil.copyfileobj(content, out, 1 << 20)
            os.fchmod(out.fileno(), (member.mode & 0o777) | 0o600)


def _relative(target: str, folder: Path, root: Path) -> str:
    """A link's target that means the same below `root`, and never points above it."""
    here = "/" + "/".join(folder.relative_to(root).parts)
    pointed = posixpath.normpath(posixpath.join(here, target))
    plain = target and not target.startswith("/") and posixpath.normpath(target) == target
    if plain and target.count("..") <= len([part for part in here.split("/") if part]):
        return target
    return posixpath.relpath("/" + pointed.lstrip("/"), here)


def entries(tar: tarfile.TarFile, layer: Layer) -> Iterator[tuple[list[str], tarfile.TarInfo]]:
    """The entries of a layer with the parts of their paths, the root aside. BaseImageError for one that leaves it."""
    for member in members(tar):
        parts = clean_parts(member.name)
        if parts is None:
            raise BaseImageError(f"the layer {layer.digest} names {member.name!r}, which leaves the image")
        if parts:
            yield parts, member


def _folder(root: Path, parts: list[str]) -> Path:
    """The real folder of `parts` inside `root`; made where it is missing, links followed inside."""

    def probe(path: str) -> str:
        place = root / path
        if place.is_symlink():
            return str(place.readlink())
        if not place.is_dir():
            _remove(place)
            place.mkdir()
            place.chmod(0o755)
        return ""

    real = follow("/".join(parts), probe)
    if real is None:
        raise BaseImageError(f"{'/'.join(parts)} goes through a loop of links")
    return root / real


def _remove(path: Path) -> None:
    """Remove what is there, a folder with all it holds; links are not followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
