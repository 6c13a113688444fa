"""An image as an OCI layout folder, new or added to one that is there.

Blobs first, `index.json` last, each put in place whole: a reader sees it before or after, never between. A folder that
is there stays the one it is, with its owner and mode: it may be a mount point.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CorruptBlobError, UsageError
from . import soundness
from .archive import OCI_LAYOUT, blob_path, descriptor, documents_of, images_of, index, write_atomically
from .canonical import canonical_json
from .disk import storage_error
from .reference import Reference, as_references
from .sharing import share
from .types import Image, ImageIndex, Layer

if TYPE_CHECKING:
    from .store import Store

_NAME = "io.containerd.image.name"
_TAG = "org.opencontainers.image.ref.name"
_ELSEWHERE = "name a new folder, or one that holds an OCI layout"


def write_layout(image: Image | ImageIndex, references: Sequence[str | Reference], store: Store, path: Path) -> None:
    """Write `image` to the layout at `path` under the tags of `references`.

    A new folder appears whole or not at all, and an empty one gets its index last. In a layout that is there, entries
    of the same tag are replaced and all others kept. UsageError for a folder that is no layout; StorageError,
    CorruptBlobError.
    """
    target = path.resolve()
    try:
        if target.exists() and not target.is_dir():
            raise UsageError(f"{path} is a file, and an OCI layout is a folder", hint=_ELSEWHERE)
        if target.is_dir() or not _create(image, references, store, target):
            _add(image, references, store, target)
    except OSError as error:
        raise storage_error(target, error) from error


def _create(image: Image | ImageIndex, references: Sequence[str | Reference], store: Store, target: Path) -> bool:
    """Make the layout in a folder that is not there; False if somebody else has made one meanwhile."""
    if not target.parent.is_dir():
        raise UsageError(f"the folder {target.parent} does not exist", hint="make it, or write elsewhere")
    temporary = target.with_name(f".{target.name[:200]}.{secrets.token_hex(6)}.tmp")
    try:
        temporary.mkdir()
        _fill(image, references, store, temporary)
        temporary.replace(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    else:
        return True
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _add(image: Image | ImageIndex, references: Sequence[str | Reference], store: Store, target: Path) -> None:
    with _locked(target):  # while it is filled by another run, it is none that can be added to
        names = {path.name for path in target.iterdir()}
        # Without an index it is what a run left that was killed.
        if not names or (names <= {"blobs", "oci-layout"} and _is_marked(target)):
            try:
                _fill(image, references, store, target)
            except BaseException:
                if not names:
                    with suppress(OSError):
                        (target / "oci-layout").unlink()
                    shutil.rmtree(target / "blobs", ignore_errors=True)
                raise
            return
    _update(image, references, store, target)


def _fill(image: Image | ImageIndex, references: Sequence[str | Reference], store: Store, target: Path) -> None:
    """Write a layout that has the image alone."""
    content = canonical_json(index(_merge([], image, references, target)))
    _put(target / "oci-layout", OCI_LAYOUT)
    _put_blobs(image, store, target)
    _put(target / "index.json", content)


def _update(image: Image | ImageIndex, references: Sequence[str | Reference], store: Store, target: Path) -> None:
    present = _read_json(target / "index.json")
    if not _is_marked(target) or "manifests" not in present:
        raise UsageError(f"{target} has files in it and is no OCI layout", hint=_ELSEWHERE)
    _added(present, image, references, target)
    _put_blobs(image, store, target)
    with _locked(target / "oci-layout"):
        present = _read_json(target / "index.json")
        _put(target / "index.json", _added(present, image, references, target))


def _is_marked(target: Path) -> bool:
    return "imageLayoutVersion" in _read_json(target / "oci-layout")


def _added(
    present: dict[str, Any], image: Image | ImageIndex, references: Sequence[str | Reference], target: Path
) -> bytes:
    """The index with the image's entries; UsageError where what others wrote into it cannot be written again."""
    entries = _merge(present.get("manifests"), image, references, target)
    try:
        return canonical_json({**present, "manifests": entries})
    except (ValueError, RecursionError):
        raise UsageError(f"{target / 'index.json'} holds what no JSON file may hold", hint=_ELSEWHERE) from None


def _merge(present: Any, image: Image | ImageIndex, references: Sequence[str | Reference], target: Path) -> list[Any]:
    """The entries of the index, the image's own last. Another image's tag is never taken from it."""
    names = as_references(references)
    mine = {name.canonical for name in names}
    tags = {name.tag for name in names}
    kept = []
    for entry in present if isinstance(present, list) else []:
        tag, name = _named(entry)
        if tag in tags and name is not None and name not in mine:
            raise UsageError(
                f"{target} holds {name}, and a layout tells its images apart by their tags alone",
                hint="choose another tag, or another folder",
            )
        if tag in tags or name in mine or (not names and _same_unnamed(entry, image)):
            continue
        kept.append(entry)
    unique = {name.tag: name for name in reversed(names)}
    ours = [descriptor(image, name) for name in reversed(unique.values())] or [descriptor(image)]
    return [*kept, *ours]


def _named(entry: Any) -> tuple[str | None, str | None]:
    """The tag and the name of an entry that anybody may have written."""
    notes = entry.get("annotations") if isinstance(entry, dict) else None
    tag, name = (notes.get(_TAG), notes.get(_NAME)) if isinstance(notes, dict) else (None, None)
    return tag if isinstance(tag, str) else None, name if isinstance(name, str) else None


def _same_unnamed(entry: Any, image: Image | ImageIndex) -> bool:
    return (
        isinstance(entry, dict) and entry.get("digest") == descriptor(image)["digest"] and not entry.get("annotations")
    )


def _put_blobs(image: Image | ImageIndex, store: Store, root: Path) -> None:
    (root / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    for layer in (layer for one in images_of(image) for layer in one.layers):
        _put_layer(layer, store, root / blob_path(layer.digest))
    # What is named comes before what names it.
    for digest, content in reversed(documents_of(image).items()):
        _put(root / blob_path(digest), content)


def _put_layer(layer: Layer, store: Store, target: Path) -> None:
    """Have the layout hold the layer's blob, undamaged, and on the store's own disk no second copy of it."""
    if target.is_file() and soundness.check(store, target, layer.digest, layer.size):
        return
    # A small one is not worth that two places share it.
    if layer.size >= soundness.LARGE and share(soundness.checked(store, layer.digest, layer.size), target):
        soundness.remember(store, target.stat(), layer.digest)
        return
    if write_atomically(target, store.stream(layer.digest)) != layer.size:
        target.unlink()
        raise CorruptBlobError(layer.digest)
    soundness.remember(store, target.stat(), layer.digest)


def _put(path: Path, content: bytes) -> None:
    with suppress(OSError):
        if path.read_bytes() == content:
            return
    write_atomically(path, iter([content]))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file or folder of the layout against another envbuild that writes to the layout at the same moment."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # not every network file system locks what is open to be read
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
