"""The files of one layer, read from its tar front to back; nothing is unpacked, and what is kept is bounded."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Literal

from ..bases.unpack import clean_parts, entries
from ..errors import BaseImageError
from ..oci.store import Store
from ..oci.types import Layer
from ..oci.untrusted import open_layer_tar
from ..records import dataclass as value

MOST_FILES = 2_000_000
"""Of one layer, and of all layers together; more is no image that serves a model."""
_LARGEST_TEXT = 64 << 20
_MOST_TEXT = 256 << 20
_MOST_BYTES = 256 << 30
_OPAQUE = ".wh..wh..opq"
_WHITEOUT = ".wh."
_CHUNK = 1 << 20

Wanted = Callable[[str], bool]
Blobs = Callable[[Layer], Iterator[bytes]]
"""The blob of a layer in chunks. It raises an IntegrityError before its end where it is not what its digest says."""


@value(frozen=True, slots=True, kw_only=True)
class File:
    """What is at a path: `target` is a link's, `sha256` (hex) a regular file's where it was asked for.

    `mode` are the permission bits, `owner` the ids of user and group, `size` the bytes.
    """

    kind: Literal["file", "link", "folder", "device"]
    mode: int = 0
    owner: tuple[int, int] = (0, 0)
    size: int = 0
    sha256: str = ""
    target: str = ""


@dataclass(slots=True)
class LayerFiles:
    """What one layer says. `texts` are the contents that were asked for.

    `links` are hard links to files of layers below, `implied` folders that it has files in and does not list.
    `removed` are paths and `emptied` folders of layers below that it hides.
    """

    entries: dict[str, File] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    implied: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)


def in_store(store: Store) -> Blobs:
    """The layers that a store has. Its CorruptBlobError is the cache's, which can be made anew."""
    return lambda layer: store.stream(layer.digest)


def read_layer(blobs: Blobs, layer: Layer, *, keep: Wanted, hashed: Wanted) -> LayerFiles:
    """The files of a layer: the contents of those that `keep` names, hashes of those that `hashed` names.

    BaseImageError for one that is no tar, leaves the image or has no end, and what `blobs` raises.
    """
    found = LayerFiles()
    room, left = _MOST_TEXT, _MOST_BYTES
    with open_layer_tar(blobs(layer), layer.digest) as tar:
        for parts, member in entries(tar, layer):
            path, name = "/".join(parts), parts[-1]
            if name == _OPAQUE:
                found.emptied.add("/".join(parts[:-1]))
                continue
            if name.startswith(_WHITEOUT):
                found.removed.add("/".join([*parts[:-1], name.removeprefix(_WHITEOUT)]))
                continue
            _imply(found, parts[:-1])
            left -= member.size
            if left < 0 or member.issparse() or len(found.entries) + len(found.implied) >= MOST_FILES:
                what = "a sparse file" if member.issparse() else f"more than {MOST_FILES} files or {_MOST_BYTES} bytes"
                raise BaseImageError(f"the layer {layer.digest} has {what}")
            if member.isreg():
                room -= _regular(found, tar, member, path, keeps=keep(path), hashes=hashed(path), room=room)
            else:
                _other(found, path, member)
    return found


def _regular(
    found: LayerFiles,
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    path: str,
    *,
    keeps: bool,
    hashes: bool,
    room: int,
) -> int:
    """Note a regular file; the bytes of it that are kept."""
    sha256, text = "", None
    content = tar.extractfile(member) if keeps or hashes else None
    if content is not None and keeps:
        text = _text(content, path, min(_LARGEST_TEXT, room))
        sha256 = hashlib.sha256(text).hexdigest()
    elif content is not None:
        sha256 = _hash(content)
    _forget(found, path)
    found.entries[path] = File(
        kind="file", mode=member.mode & 0o7777, owner=(member.uid, member.gid), size=member.size, sha256=sha256
    )
    if text is not None:
        found.texts[path] = text
    return len(text or b"")


def _other(found: LayerFiles, path: str, member: tarfile.TarInfo) -> None:
    mode, owner = member.mode & 0o7777, (member.uid, member.gid)
    _forget(found, path)
    if member.islnk():
        source = "/".join(clean_parts(member.linkname) or ())
        if source not in found.entries:
            found.links[path] = source
            return
        found.entries[path] = found.entries[source]
        if source in found.texts:
            found.texts[path] = found.texts[source]
    elif member.issym():
        found.entries[path] = File(kind="link", target=member.linkname, owner=owner)
    else:
        found.entries[path] = File(kind="folder" if member.isdir() else "device", mode=mode, owner=owner)


def _forget(found: LayerFiles, path: str) -> None:
    """What a layer says twice of a path counts as it is said last."""
    found.texts.pop(path, None)
    found.links.pop(path, None)
    found.entries.pop(path, None)


def _text(content: IO[bytes], path: str, limit: int) -> bytes:
    data = content.read(limit + 1)
    if len(data) > limit:
        raise BaseImageError(f"/{path} of the image is too large to be read: {_LARGEST_TEXT} bytes are the most")
    return data


def _hash(content: IO[bytes]) -> str:
    summed = hashlib.sha256()
    while chunk := content.read(_CHUNK):
        summed.update(chunk)
    return summed.hexdigest()


def _imply(found: LayerFiles, folder: list[str]) -> None:
    """A tar need not list the folders that its files lie in."""
    for depth in range(len(folder), 0, -1):
        path = "/".join(folder[:depth])
        if path in found.implied:
            return
        found.implied.add(path)
