"""The files of an image as its layers give them together, whatever they hide of each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..bases.links import follow
from ..errors import BaseImageError
from ..oci.types import Layer
from .layers import MOST_FILES, Blobs, File, LayerFiles, Wanted, read_layer

__all__ = ["File", "Files", "lay_over", "read_files"]

_MOST_TEXT = 512 << 20


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


def read_files(blobs: Blobs, layers: Sequence[Layer], *, keep: Wanted, hashed: Wanted) -> Files:
    """The files of the layers, lowest first; see `read_layer` for what is kept and what is raised."""
    found = Files()
    for layer in layers:
        lay_over(found, read_layer(blobs, layer, keep=keep, hashed=hashed))
    return found


def lay_over(lower: Files, layer: LayerFiles) -> None:
    """Put one more layer on top. BaseImageError where it links to nothing, or there is no end of it."""
    linked = {path: _linked(lower, path, source) for path, source in layer.links.items()}
    texts = {path: lower.texts[source] for path, source in layer.links.items() if source in lower.texts}
    _hide(lower, layer)
    for path in layer.implied:
        if path not in lower.entries and path not in layer.entries:
            lower.entries[path] = File(kind="folder", mode=0o755)
    for path in (*layer.entries, *linked):
        lower.texts.pop(path, None)
    lower.entries.update(layer.entries)
    lower.entries.update(linked)
    lower.texts.update(layer.texts)
    lower.texts.update(texts)
    if len(lower.entries) > MOST_FILES or sum(map(len, lower.texts.values())) > _MOST_TEXT:
        raise BaseImageError(f"the image has more than {MOST_FILES} files, or {_MOST_TEXT} bytes of package lists")


def _linked(lower: Files, path: str, source: str) -> File:
    """What a hard link to a file of a layer below leads to."""
    found = lower.entries.get(source)
    if found is None or found.kind == "folder":
        raise BaseImageError(f"/{path} is a link to /{source}, which the image does not have")
    return found


def _hide(lower: Files, layer: LayerFiles) -> None:
    """Take out what the layer hides: by whiteouts, and by files in the place of folders."""
    replaced = {
        path
        for path, entry in layer.entries.items()
        if entry.kind != "folder" and (below := lower.entries.get(path)) is not None and below.kind == "folder"
    }
    removed = layer.removed | replaced
    if not removed and not layer.emptied:
        return
    for path in list(lower.entries):
        if path in removed or any(above in removed or above in layer.emptied for above in _above(path)):
            del lower.entries[path]
            lower.texts.pop(path, None)


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
    yield ""
