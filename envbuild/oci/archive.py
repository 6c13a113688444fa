"""One archive that every engine reads: an OCI layout with Docker's `manifest.json` beside its `index.json`.

Docker's classic store reads `manifest.json`, containerd, podman and skopeo read `index.json`; both point at
the same blobs. `docker save` has written this shape since version 25.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import CorruptBlobError, UsageError
from .canonical import EPOCH, canonical_json, sha256_digest
from .disk import storage_error
from .reference import Reference, as_references
from .types import INDEX, LAYER_ZSTD, MANIFEST, Image, ImageIndex

if TYPE_CHECKING:
    from .store import Store

OCI_LAYOUT = canonical_json({"imageLayoutVersion": "1.0.0"})
_BLOCK = 512
_RECORD = 10240


def stream_archive(
    image: Image | ImageIndex,
    references: Sequence[str | Reference],
    store: Store,
    *,
    omit: frozenset[str] = frozenset(),
) -> Iterator[bytes]:
    """The archive of `image` under `references`, in chunks; equal inputs give equal bytes.

    Docker's `manifest.json` knows no indexes: it names the image of one that has a single image, and is left out for
    more.
    `omit` has the diff_ids of layers whose blobs are left out, for an engine that has them. Every blob is
    verified on the way: CorruptBlobError before its last chunk is given out.
    """
    names = as_references(references)
    sent = 0
    for chunk in _members(image, names, store, omit):
        sent += len(chunk)
        yield chunk
    yield bytes(-(sent + 2 * _BLOCK) % _RECORD + 2 * _BLOCK)


def write_archive(
    image: Image | ImageIndex,
    references: Sequence[str | Reference],
    store: Store,
    path: Path,
    *,
    kind: Literal["oci", "docker"],
) -> int:
    """Write the archive to `path`, whole or not at all, and return its size in bytes.

    Both kinds are the archive of `stream_archive`. A `docker` one must load on every engine, so layers
    that only newer engines can read are refused. UsageError, StorageError.
    """
    if kind == "docker" and isinstance(image, ImageIndex):
        raise UsageError(
            "a Docker archive holds an image alone, and no index of images and what is attached to them",
            hint=f"use --output oci-archive={path}",
        )
    if kind == "docker" and any(x.media_type == LAYER_ZSTD for one in images_of(image) for x in one.layers):
        raise UsageError(
            "the base has layers compressed by zstd, which a Docker engine before version 23 cannot load",
            hint=f"use --output oci-archive={path}, or a base with gzip layers",
        )
    target = path.resolve()
    if target.is_dir():
        raise UsageError(f"{path} is a folder, and the archive is a file", hint=f"name a file in it: {path}/image.tar")
    if target.exists() and not target.is_file():
        raise UsageError(f"{path} is not a regular file", hint="name a file that may be replaced")
    if not target.parent.is_dir():
        raise UsageError(f"the folder {target.parent} does not exist", hint="make it, or write the archive elsewhere")
    return write_atomically(target, stream_archive(image, references, store))


def write_atomically(target: Path, chunks: Iterator[bytes]) -> int:
    """Write a file beside `target` and then put it in its place; nothing is left of a write that failed."""
    temporary = target.with_name(f".{target.name[:200]}.{os.urandom(6).hex()}.tmp")
    size = 0
    try:
        with temporary.open("xb") as out:
            for chunk in chunks:
                size += len(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(target)
    except OSError as error:
        raise storage_error(target, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return size


def blob_path(digest: str) -> str:
    """Where a layout keeps the blob: `blobs/sha256/<hex>`."""
    return "blobs/" + digest.replace(":", "/", 1)


def images_of(image: Image | ImageIndex) -> tuple[Image, ...]:
    """The images of an index, or the one itself."""
    return image.images if isinstance(image, ImageIndex) else (image,)


def documents_of(image: Image | ImageIndex) -> dict[str, bytes]:
    """Every blob but the layers, by digest, in the order in which they are written."""
    found: dict[str, bytes] = {image.digest: image.content} if isinstance(image, ImageIndex) else {}
    for one in images_of(image):
        found |= {one.manifest_digest: one.manifest, one.config_digest: one.config}
    for artifact in image.artifacts if isinstance(image, ImageIndex) else ():
        found |= {artifact.digest: artifact.manifest, **{sha256_digest(blob): blob for blob in artifact.blobs}}
    return found


def descriptor(image: Image | ImageIndex, reference: Reference | None = None) -> dict[str, Any]:
    """The entry of `index.json` for the image, named for containerd, docker and podman, and for skopeo."""
    if isinstance(image, ImageIndex):
        entry: dict[str, Any] = {"mediaType": INDEX, "digest": image.digest, "size": len(image.content)}
    else:
        entry = {"mediaType": MANIFEST, "digest": image.manifest_digest, "size": len(image.manifest)}
    if reference is not None:
        entry["annotations"] = {
            "io.containerd.image.name": reference.canonical,
            "org.opencontainers.image.ref.name": reference.tag,
        }
    return entry


def index(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """An `index.json` with these entries."""
    return {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(entries)}


def _members(
    image: Image | ImageIndex, names: Sequence[Reference], store: Store, omit: frozenset[str]
) -> Iterator[bytes]:
    entries = [descriptor(image, name) for name in names] or [descriptor(image)]
    images = images_of(image)
    yield _data("oci-layout", OCI_LAYOUT)
    yield _data("index.json", canonical_json(index(entries)))
    if len(images) == 1:
        yield _data("manifest.json", canonical_json([_docker_entry(images[0], names)]))
    yield _header("blobs/", 0, tarfile.DIRTYPE) + _header("blobs/sha256/", 0, tarfile.DIRTYPE)
    documents = documents_of(image)
    for digest, content in documents.items():
        yield _data(blob_path(digest), content)
    written = set(documents)
    for layer in (layer for one in images for layer in one.layers):
        if layer.diff_id in omit or layer.digest in written:
            continue
        written.add(layer.digest)
        yield _header(blob_path(layer.digest), layer.size)
        size = 0
        for chunk in store.stream(layer.digest):
            size += len(chunk)
            if size > layer.size:
                break
            yield chunk
        if size != layer.size:
            raise CorruptBlobError(layer.digest)
        if padding := bytes(-size % _BLOCK):
            yield padding


def _docker_entry(image: Image, names: Sequence[Reference]) -> dict[str, Any]:
    """The entry of Docker's `manifest.json`."""
    return {
        "Config": blob_path(image.config_digest),
        "RepoTags": [name.familiar for name in names],
        "Layers": [blob_path(layer.digest) for layer in image.layers],
    }


def _data(path: str, content: bytes) -> bytes:
    return _header(path, len(content)) + content + bytes(-len(content) % _BLOCK)


def _header(path: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mtime, entry.type = size, EPOCH, kind
    entry.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
