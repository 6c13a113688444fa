"""The places that an image is read from: layouts and archives, registries, and what `docker save` writes."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ..errors import BaseImageError, IntegrityError
from ..oci.reading import address_of, blob_name, descriptors_of, json_object, read_docker_archive, verified
from ..oci.sources import ArchiveSource, FolderSource, Source, chunks_of
from ..oci.store import Store
from ..oci.types import MANIFEST, Layer
from ..progress import SILENT, Progress, Summary
from .dockerload import check_docker_load
from .layers import in_store
from .opened import Entry, Opened, open_image

if TYPE_CHECKING:
    from ..oci.registry import Registry
    from ..oci.remote import RemoteImage


@contextmanager
def in_layout(path: Path, *, platform: str, preferred: str, reference: str = "") -> Iterator[Opened]:
    """The image of an OCI layout in a folder, while it is looked at. BaseImageError, IntegrityError, StorageError."""
    yield _in_source(FolderSource(path), platform, preferred, reference)


@contextmanager
def in_archive(path: Path, store: Store, *, platform: str, preferred: str, reference: str = "") -> Iterator[Opened]:
    """The image of an archive: of an OCI layout, or of Docker's kind, whose layers go through the store."""
    with ArchiveSource(path) as source:
        if source.has("index.json"):
            opened = _in_source(source, platform, preferred, reference)
            check_docker_load(source, opened, asked=bool(platform), named=bool(reference))
            yield opened
            return
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw
        yield saved(stream, store, str(path))


def saved(stream: BinaryIO, store: Store, name: str) -> Opened:
    """The image that `docker save` writes; its layers are in the store afterwards."""
    found = read_docker_archive(stream, store)
    parts = (found.config.get("os") or "linux", found.config.get("architecture") or "", found.config.get("variant"))
    platform = "/".join(str(part) for part in parts if part)
    return Opened(
        name=name,
        platform=platform,
        platforms=(platform,),
        config=found.config,
        config_digest=found.config_digest,
        manifest_digest="",
        index_digest="",
        annotations={},
        layers=found.layers,
        blobs=in_store(store),
    )


def in_registry(
    registry: Registry, store: Store, image: RemoteImage, *, platform: str, preferred: str, progress: Progress = SILENT
) -> Opened:
    """The image of a registry. Its layers come when they are asked for, and stay in the store; phase `fetch`."""
    root = registry.manifest(image.wanted)
    reader = _RegistryReader(registry, store, image.canonical, progress)
    entry = {"mediaType": root.media_type, "digest": root.digest, "size": len(root.raw)}
    return open_image(reader, [entry], platform=platform, preferred=preferred)


def _in_source(source: Source, platform: str, preferred: str, reference: str) -> Opened:
    if "imageLayoutVersion" not in json_object(source.small("oci-layout"), "oci-layout"):
        raise BaseImageError(f"{source.name} is no OCI layout: its oci-layout file names no version")
    listed = descriptors_of(json_object(source.small("index.json"), "index.json"))
    return open_image(_SourceReader(source), listed, platform=platform, preferred=preferred, reference=reference)


class _SourceReader:
    """The blobs of a layout, checked on the way."""

    remote = False

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self._source = source

    def manifest(self, entry: Entry) -> dict[str, Any]:
        return json_object(verified(self._source, entry), "a manifest")

    def blob(self, entry: Entry, limit: int) -> bytes:
        digest, size = address_of(entry)
        return _bounded(self._checked(digest, size), size, limit, f"{digest} of {self.name}")

    def chunks(self, layer: Layer) -> Iterator[bytes]:
        return self._checked(layer.digest, layer.size)

    def referrers(self, digest: str) -> Sequence[Entry]:
        return ()  # the walk through the layout has seen them

    def _checked(self, digest: str, size: int) -> Iterator[bytes]:
        summed = hashlib.sha256()
        with self._source.open(blob_name(digest), size) as blob:
            for chunk in chunks_of(blob):
                summed.update(chunk)
                yield chunk
        if "sha256:" + summed.hexdigest() != digest:
            raise IntegrityError(f"the blob {digest} of {self.name} has another hash", hint="fetch the image anew")


class _RegistryReader:
    """The manifests and blobs of a repository, and the store that layers go through."""

    remote = True

    def __init__(self, registry: Registry, store: Store, name: str, progress: Progress) -> None:
        self.name = name
        self._progress = progress
        self._registry = registry
        self._store = store

    def manifest(self, entry: Entry) -> dict[str, Any]:
        return self._registry.manifest(address_of(entry)[0]).content

    def blob(self, entry: Entry, limit: int) -> bytes:
        digest, size = address_of(entry)
        data = _bounded(self._registry.blob(digest, size), size, limit, f"{digest} of {self.name}")
        if "sha256:" + hashlib.sha256(data).hexdigest() != digest:
            raise IntegrityError(f"the blob {digest} of {self.name} has another hash", hint="nothing was kept")
        return data

    def chunks(self, layer: Layer) -> Iterator[bytes]:
        if not self._store.has(layer.digest, layer.size):
            self._progress.start("fetch", f"a layer of {self.name}", total=layer.size)
            self._store.ingest(self._fetched(layer), expected=layer.digest)
            self._progress.done("fetch", Summary(count=1, noun="layer", size=layer.size))
        return self._store.stream(layer.digest)

    def _fetched(self, layer: Layer) -> Iterator[bytes]:
        for chunk in self._registry.blob(layer.digest, layer.size):
            self._progress.advance("fetch", len(chunk))
            yield chunk

    def referrers(self, digest: str) -> Sequence[Entry]:
        return [entry for entry in self._registry.referrers(digest) if entry.get("mediaType") == MANIFEST]


def _bounded(chunks: Iterator[bytes], size: int, limit: int, what: str) -> bytes:
    if size > limit:
        raise BaseImageError(f"{what} has {size} bytes; {limit} are the most")
    return b"".join(chunks)
