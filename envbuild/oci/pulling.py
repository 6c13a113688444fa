"""From a name to an image whose layers are in the store: the index, the manifest, the config, the layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import BaseImageError, CorruptBlobError, IntegrityError
from .patience import StoppedError
from .reading import (
    INDEXES,
    MANIFESTS,
    StoredImage,
    address_of,
    check_diff_id,
    checked_config,
    descriptors_of,
    named_layers,
)
from .registry import Document, Registry
from .sources import parse_json
from .types import CONFIG, Layer

if TYPE_CHECKING:
    from threading import Event

    from .remote import RemoteImage
    from .store import Store

_AT_A_TIME = 4
_MOST_LAYERS = 127
_DEEPEST = 4  # indexes inside indexes
_CONFIGS = (CONFIG, "application/vnd.docker.container.image.v1+json")
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+"


def pull(
    document: Document,
    registry: Registry,
    image: RemoteImage,
    store: Store,
    *,
    platform: str,
    stop: Event,
    begin: Callable[[int], None],
    advance: Callable[[int], None],
) -> StoredImage:
    """The image for `platform` (`linux/amd64`) that `document`, a manifest or an index of `registry`, leads to.

    `begin` is told the bytes of all layers, `advance` those that are there. A layer in the store is not asked for.
    Raises what Registry raises; no blob is kept that has not its digest.
    """
    manifest = manifest_for(document, registry, image, platform)
    config = config_of(manifest, registry, image)
    layers = named_layers(image.name, manifest.content, config)
    if len(layers) > _MOST_LAYERS:
        raise BaseImageError(f"{image.name} has {len(layers)} layers; {_MOST_LAYERS} are the most")
    begin(sum(layer.size for layer in layers))
    _fetch(list(dict.fromkeys(layers)), registry, store, stop, advance)
    return StoredImage(config=config, layers=tuple(layers), manifest_digest=manifest.digest, reference=image.canonical)


def manifest_for(document: Document, registry: Registry, image: RemoteImage, platform: str, depth: int = 0) -> Document:
    """The manifest for `platform`: the document itself, or what its index names for it."""
    content = document.content
    if document.media_type.startswith(_SCHEMA_1) or content.get("schemaVersion") == 1:
        raise BaseImageError(
            f"{image.name} is in the format of Docker before 2016 (schema 1), which carries no digests of its layers",
            hint="push it anew with a current Docker, or choose another base",
        )
    if "manifests" in content and "layers" in content:
        raise IntegrityError(f"{image.name} is an index and a manifest at once", hint="choose another base")
    if document.media_type in MANIFESTS and isinstance(content.get("layers"), list):
        return document
    if document.media_type not in INDEXES:
        raise BaseImageError(
            f"{image.name} has the type {document.media_type[:100]!r}, and is no container image",
            hint="choose an image; its manifest is of the OCI type or of Docker's schema 2",
        )
    if depth == _DEEPEST:
        raise BaseImageError(f"{image.name} has indexes inside indexes without end")
    entry = _choose(descriptors_of(content), image, platform)
    digest, _ = address_of(entry)
    return manifest_for(registry.manifest(digest), registry, image, platform, depth + 1)


def _choose(entries: Sequence[dict[str, Any]], image: RemoteImage, platform: str) -> dict[str, Any]:
    """The first entry for the platform, one without a variant before others where none is wanted."""
    system, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    fitting: list[tuple[str, dict[str, Any]]] = []
    silent: list[dict[str, Any]] = []
    others: set[str] = set()
    for entry in entries:
        if entry.get("mediaType") not in (*MANIFESTS, *INDEXES):
            continue
        claimed = entry.get("platform")
        if not isinstance(claimed, Mapping):
            silent.append(entry)
            continue
        theirs = str(claimed.get("os", "")), str(claimed.get("architecture", "")), str(claimed.get("variant") or "")
        if "unknown" in theirs:
            continue  # an attestation, not an image
        if theirs[:2] == (system, architecture) and (not variant or theirs[2] in (variant, "")):
            fitting.append((theirs[2], entry))
        else:
            others.add("/".join(part for part in theirs if part))
    plain = {"amd64": ("", "v1"), "arm64": ("", "v8")}.get(architecture, ("",))
    wanted = (variant, "") if variant else plain
    for name in wanted:
        for theirs_variant, entry in fitting:
            if theirs_variant == name:
                return entry
    if fitting:
        return fitting[0][1]
    # An index need not say for which platform its images are; the config of the one there is will tell.
    if len(silent) == 1 and not others:
        return silent[0]
    raise BaseImageError(
        f"{image.name} is not there for {platform}, only for {', '.join(sorted(others)) or 'nothing that is named'}",
        hint="choose another base, or another --platform",
    )


def config_of(manifest: Document, registry: Registry, image: RemoteImage) -> dict[str, Any]:
    """The image config that a manifest names. BaseImageError for an artifact that is no image."""
    entry = manifest.content.get("config")
    digest, size = address_of(entry)
    kind = entry.get("mediaType") if isinstance(entry, Mapping) else None
    if kind not in _CONFIGS or manifest.content.get("artifactType"):
        raise BaseImageError(
            f"{image.name} holds {str(manifest.content.get('artifactType') or kind)[:100]!r}, and no container image",
            hint="choose an image as the base",
        )
    return checked_config(parse_json(registry.small_blob(digest, size), f"the image config of {image.name}"))


def _fetch(
    layers: Sequence[Layer], registry: Registry, store: Store, stop: Event, advance: Callable[[int], None]
) -> None:
    """Every layer into the store, several at a time; the first that fails stops the others."""
    from concurrent.futures import as_completed

    from ..threads import pool

    def one(layer: Layer) -> None:
        for attempt in (1, 2):
            if store.has(layer.digest, layer.size):
                advance(layer.size)
            else:
                _stream(layer, registry, store, advance)
            try:
                check_diff_id(store, layer)
                return
            except CorruptBlobError:
                # A damaged entry of the cache is a miss.
                if attempt == 2:
                    raise
                store.drop(layer.digest)

    with pool(_AT_A_TIME) as threads:
        tasks = [threads.submit(one, layer) for layer in layers]
        try:
            for task in as_completed(tasks):
                # Those that were stopped failed because of another, which is to be told.
                with suppress(StoppedError):
                    task.result()
        except BaseException:
            stop.set()
            threads.shutdown(wait=True, cancel_futures=True)
            raise


def _stream(layer: Layer, registry: Registry, store: Store, advance: Callable[[int], None]) -> None:
    def chunks() -> Iterator[bytes]:
        for chunk in registry.blob(layer.digest, layer.size):
            yield chunk
            advance(len(chunk))

    store.ingest(chunks(), expected=layer.digest)
