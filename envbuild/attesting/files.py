"""The files of an image as its layers give them together: read from their tars, nothing unpacked.

An image is input: names that leave it are refused, what is kept in memory is bounded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Literal

from ..bases.links import follow
from ..bases.unpack import clean_parts, entries, open_layer
from ..errors import BaseImageError
from ..oci.store import Store
from ..oci.types import Layer
from ..records import dataclass as value

MOST_FILES = 2_000_000
"""Of all layers together; more is no image that serves a model."""
_LARGEST_TEXT = 64 << 20
_MOST_TEXT = 512 << 20
_OPAQUE = ".wh..wh..opq"
_WHITEOUT = ".wh."
_CHUNK = 1 << 20

Wanted = Callable[[str], bool]


@value(frozen=True, slots=True, kw_only=True)
class File:
    """What is at a path: `target` is a link's, `sha256` (hex) a regular file's where it was asked for.

    `mode` are the permission bits, `size` the bytes.
    """

    kind: Literal["file", "link", "folder", "device"]
    mode: int = 0
    owner: tuple[int, int] = (0, 0)
    size: int = 0
    sha256: str = ""
    target: str = ""


@dataclass(slots=True)
class Files:
    """Everything by path, without a leading slash. `texts` are the contents of those files that were asked for."""

    entries: dict[str, File] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)

    def resolve(self, path: str) -> str:
        """Where a path leads when every link is followed inside of the image; empty if to nothing."""

        def probe(place: str) -> str | None:
            found = self.entries.get(place)
            return None if found is None else found.target if found.kind == "link" else ""

        return follow(path, probe) or ""

    def text(self, path: str) -> str:
        """The content of a file that was asked for, through links; empty where there is none."""
        return self.texts.get(self.resolve(path), b"").decode("utf-8", "replace")


def read_files(store: Store, layers: Sequence[Layer], *, keep: Wanted, hashed: Wanted) -> Files:
    """The files of the layers, lowest first, with whiteouts applied.

    The contents of those that `keep` names are kept, those that `hashed` names are hashed. BaseImageError for a layer
    that is no tar, leaves the image or has no end; CorruptBlobError for a damaged blob.
    """
    found = Files()
    for layer in layers:
        for _ in store.stream(layer.digest):  # the hash first: nothing of a damaged blob is believed
            pass
        _overlay(found, store, layer, keep, hashed)
    return found


def _overlay(lower: Files, store: Store, layer: Layer, keep: Wanted, hashed: Wanted) -> None:
    upper = Files()
    removed: set[str] = set()
    emptied: set[str] = set()
    room = _MOST_TEXT - sum(map(len, lower.texts.values()))
    with open_layer(store, layer) as tar:
        for parts, member in entries(tar, layer):
            folder, path, name = "/".join(parts[:-1]), "/".join(parts), parts[-1]
            if name == _OPAQUE:
                emptied.add(folder)
                continue
            if name.startswith(_WHITEOUT):
                removed.add("/".join([*parts[:-1], name.removeprefix(_WHITEOUT)]))
                continue
            _imply(upper, lower, parts[:-1])
            mode, owner = member.mode & 0o7777, (member.uid, member.gid)
            upper.texts.pop(path, None)
            if member.isdir():
                upper.entries[path] = File(kind="folder", mode=mode, owner=owner)
            elif member.issym():
                upper.entries[path] = File(kind="link", target=member.linkname, owner=owner)
            elif member.islnk():
                _link(upper, lower, path, member.linkname)
            elif member.isreg():
                content = tar.extractfile(member) if keep(path) or hashed(path) else None
                sha256, text = _read(content, path, keeps=keep(path), room=room) if content is not None else ("", None)
                if text is not None:
                    upper.texts[path] = text
                    room -= len(text)
                upper.entries[path] = File(kind="file", mode=mode, owner=owner, size=member.size, sha256=sha256)
            else:
                upper.entries[path] = File(kind="device", mode=mode, owner=owner)
            if len(upper.entries) + len(lower.entries) > MOST_FILES:
                raise BaseImageError(f"the image has more than {MOST_FILES} files")
    _hide(lower, upper, removed, emptied)
    lower.entries.update(upper.entries)
    lower.texts.update(upper.texts)


def _read(content: IO[bytes], path: str, *, keeps: bool, room: int) -> tuple[str, bytes | None]:
    """Hex of a file's hash, and its content where it is to be kept."""
    if keeps:
        data = content.read(min(_LARGEST_TEXT, room) + 1)
        if len(data) > min(_LARGEST_TEXT, room):
            raise BaseImageError(f"/{path} of the image is too large to be read: {_LARGEST_TEXT} bytes are the most")
        return hashlib.sha256(data).hexdigest(), data
    summed = hashlib.sha256()
    while chunk := content.read(_CHUNK):
        summed.update(chunk)
    return summed.hexdigest(), None


def _imply(upper: Files, lower: Files, folder: list[str]) -> None:
    """A tar need not list the folders that its files lie in."""
    for depth in range(len(folder), 0, -1):
        path = "/".join(folder[:depth])
        if path in upper.entries:
            return
        if path not in lower.entries:
            upper.entries[path] = File(kind="folder", mode=0o755)


def _link(upper: Files, lower: Files, path: str, target: str) -> None:
    """One more name of a file."""
    source = "/".join(clean_parts(target) or ())
    found = upper.entries.get(source) or lower.entries.get(source)
    if found is None or found.kind == "folder":
        raise BaseImageError(f"/{path} is a link to {target!r}, which the image does not have")
    upper.entries[path] = found
    text = upper.texts.get(source) or lower.texts.get(source)
    if text is not None:
        upper.texts[path] = text


def _hide(lower: Files, upper: Files, removed: set[str], emptied: set[str]) -> None:
    """Take out of the lower layers what the upper one hides: by whiteouts, and by files in the place of others."""
    for path, entry in upper.entries.items():
        below = lower.entries.get(path)
        if below is not None and entry.kind != "folder":
            lower.texts.pop(path, None)
            if below.kind == "folder":
                removed.add(path)
    if not removed and not emptied:
        return
    for path in list(lower.entries):
        if path in removed or any(above in removed or above in emptied for above in _above(path)):
            del lower.entries[path]
            lower.texts.pop(path, None)


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
    yield ""
