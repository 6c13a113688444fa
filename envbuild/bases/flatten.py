"""The layers of a base as one tar with nothing hidden in it, for whoever applies no whiteouts.

Two readings of each layer: the first finds out which entry every name leads to in the end, the second copies those.
Nothing is unpacked, and memory holds names and headers only.
"""

from __future__ import annotations

import copy
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import BaseImageError
from ..oci.canonical import EPOCH
from ..oci.layer import layer_from_key, remember_layer
from ..oci.store import Store
from ..oci.types import LAYER_TAR, Layer
from .links import follow
from .types import Base
from .unpack import clean_parts, entries, open_layer

_REVISION = 1
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_BLOCK = tarfile.BLOCKSIZE
# What a pax header says of these is said anew, by the entry's own fields.
_OWN = ("path", "linkpath", "size", "uname", "gname", "hdrcharset", "GNU.sparse.")


@dataclass(slots=True)
class _Node:
    """Anything but a folder. Hard links share one; `layer` and `number` are the place of its entry."""

    info: tarfile.TarInfo
    layer: int
    number: int


@dataclass(slots=True)
class _Folder:
    """A folder with its own header, if a layer has one; `layer` is the last that wrote it or something in it."""

    layer: int
    info: tarfile.TarInfo | None = None
    children: dict[str, _Node | _Folder] = field(default_factory=dict)


def flat_layer(base: Base, store: Store) -> Layer:
    """One plain tar with the whole tree of `base`; its only layer if that is envbuild's own and plain already.

    Whiteouts are applied; owners, modes, times, devices, hard links and extended attributes are kept.
    BaseImageError: a layer cannot be read. CorruptBlobError: its blob is damaged.
    """
    if base.assembled and len(base.layers) == 1 and base.layers[0].media_type == LAYER_TAR:
        return base.layers[0]
    key = f"flat:{_REVISION}:" + ",".join(layer.diff_id for layer in base.layers)
    known = layer_from_key(store, key)
    if known is not None:
        return known
    tree = _Folder(layer=0)
    for number, layer in enumerate(base.layers):
        for _ in store.stream(layer.digest):  # the hash first: nothing of a damaged blob is copied
            pass
        _overlay(tree, store, layer, number)
    size = 0
    with store.writer() as out:
        for block in _blocks(tree, store, base.layers):
            out.write(block)
            size += len(block)
        out.write(bytes(2 * _BLOCK + -(size + 2 * _BLOCK) % tarfile.RECORDSIZE))
    made = Layer(diff_id=out.digest, digest=out.digest, size=out.size)
    remember_layer(store, key, made)
    return made


def _overlay(tree: _Folder, store: Store, layer: Layer, current: int) -> None:
    with open_layer(store, layer) as tar:
        for number, (parts, member) in enumerate(entries(tar, layer)):
            folder = _folder(tree, parts[:-1], current)
            name = parts[-1]
            if name == _OPAQUE:
                _hide(folder, current)
            elif name.startswith(_WHITEOUT):
                _hide_one(folder, name.removeprefix(_WHITEOUT), current)
            elif member.isdir():
                child = folder.children.get(name)
                if not isinstance(child, _Folder):
                    child = folder.children[name] = _Folder(layer=current)
                child.layer, child.info = current, member
            elif member.islnk():
                folder.children[name] = _target(tree, member)
            else:
                folder.children[name] = _Node(member, current, number)


def _folder(tree: _Folder, parts: Sequence[str], current: int) -> _Folder:
    """The folder that `parts` lead to, links followed inside the tree; made where it is missing."""

    def probe(path: str) -> str:
        *above, name = path.split("/")
        parent = _walk(tree, above)
        child = parent.children.get(name)
        if isinstance(child, _Node) and child.info.issym():
            return child.info.linkname
        if not isinstance(child, _Folder):
            child = parent.children[name] = _Folder(layer=current)
        child.layer = current
        return ""

    real = follow("/".join(parts), probe)
    if real is None:
        raise BaseImageError(f"{'/'.join(parts)} of the base goes through a loop of links")
    return _walk(tree, real.split("/") if real else [])


def _walk(tree: _Folder, parts: Sequence[str]) -> _Folder:
    """The folder at a path that has been made."""
    for part in parts:
        child = tree.children[part]
        assert isinstance(child, _Folder)
        tree = child
    return tree


def _target(tree: _Folder, member: tarfile.TarInfo) -> _Node:
    """What a hard link leads to: the file itself, which stays even if its first name goes."""
    parts = clean_parts(member.linkname) or []
    found: _Node | _Folder | None = tree
    for part in parts:
        found = found.children.get(part) if isinstance(found, _Folder) else None
    if not isinstance(found, _Node):
        raise BaseImageError(f"{member.name} is a link to {member.linkname!r}, which the image does not have")
    return found


def _hide(folder: _Folder, current: int) -> None:
    """Take out of `folder` what lower layers put there, at any depth."""
    for name in list(folder.children):
        _hide_one(folder, name, current)


def _hide_one(folder: _Folder, name: str, current: int) -> None:
    child = folder.children.get(name)
    if child is None:
        return
    if child.layer != current:
        del folder.children[name]
    elif isinstance(child, _Folder):
        _hide(child, current)


def _blocks(tree: _Folder, store: Store, layers: Sequence[Layer]) -> Iterator[bytes]:
    """The tar but for its end: folders, then links and devices, then files in the order of their layers."""
    names: dict[tuple[int, int], list[str]] = {}
    others: dict[tuple[int, int], _Node] = {}
    for path, entry in _paths(tree, ""):
        if isinstance(entry, _Folder):
            yield _header(entry.info or _plain_folder(), path + "/")
            continue
        place = (entry.layer, entry.number)
        names.setdefault(place, []).append(path)
        if not entry.info.isreg():
            others[place] = entry
    for place, node in others.items():
        first, *more = names.pop(place)
        yield _header(node.info, first)
        for path in more:
            yield _link(node.info, path, first)
    for current, layer in enumerate(layers):
        with open_layer(store, layer) as tar:
            for number, (_, member) in enumerate(entries(tar, layer)):
                first, *more = names.get((current, number)) or [""]
                if not first:
                    continue
                info = copy.copy(member)
                info.type = tarfile.REGTYPE  # a sparse file is written whole
                yield _header(info, first)
                content = tar.extractfile(member)
                assert content is not None
                while chunk := content.read(1 << 20):
                    yield chunk
                yield bytes(-member.size % _BLOCK)
                for path in more:
                    yield _link(member, path, first)


def _paths(folder: _Folder, prefix: str) -> Iterator[tuple[str, _Node | _Folder]]:
    """Every entry below `folder` with its path, a folder before what is in it."""
    for name, child in sorted(folder.children.items()):
        yield prefix + name, child
        if isinstance(child, _Folder):
            yield from _paths(child, f"{prefix}{name}/")


def _link(member: tarfile.TarInfo, path: str, target: str) -> bytes:
    info = copy.copy(member)
    info.type, info.linkname, info.size = tarfile.LNKTYPE, target, 0
    return _header(info, path)


def _plain_folder() -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.mode, info.mtime = tarfile.DIRTYPE, 0o755, EPOCH
    return info


def _header(member: tarfile.TarInfo, path: str) -> bytes:
    info = copy.copy(member)
    info.name, info.uname, info.gname = path, "", ""
    info.pax_headers = {key: value for key, value in member.pax_headers.items() if not key.startswith(_OWN)}
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
