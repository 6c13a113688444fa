"""An image as it is found somewhere: what it says of itself, what is attached to it, and the way to its layers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from ..errors import BaseImageError, IntegrityError
from ..oci.reading import INDEXES, MANIFESTS, address_of, checked_config, descriptors_of, named_layers
from ..oci.types import CONFIG, Layer
from ..records import dataclass
from .attestations import ATTESTATION, IN_TOTO, REFERENCE_DIGEST, REFERENCE_TYPE, Statement
from .claims import Claim, agreed, claim_of
from .layers import Blobs

_DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
LARGEST_STATEMENT = 64 << 20
_DEEPEST = 4  # indexes inside indexes
_MOST_MANIFESTS = 500
_MOST_STATEMENTS = 50
_MOST_LAYERS = 500
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An image for one platform. Digests are empty where there is none: of an index, or of a manifest in an engine.

    `layers` are lowest first, `blobs` the way to them; `layer_annotations` are what the manifest says of each, none
    where there is no manifest; `statements` are those that are attached to it and are about it.
    `platforms` are all that it is there for, `beside` the digests of the config and of the layers of every image that
    lies there, itself among them. `notes` are for the person. `remote` tells that its layers are not on
    this machine.
    """

    name: str
    platform: str
    platforms: tuple[str, ...]
    config: Mapping[str, Any]
    config_digest: str
    manifest_digest: str
    index_digest: str
    annotations: Mapping[str, str]
    layers: tuple[Layer, ...]
    blobs: Blobs
    statements: tuple[Statement, ...] = ()
    notes: tuple[str, ...] = ()
    remote: bool = False
    layer_annotations: tuple[Mapping[str, str], ...] = ()
    beside: frozenset[tuple[str, ...]] = frozenset()


class Reader(Protocol):
    """Where the documents of an image are. `name` is for people. What it gives has the digest that was asked for."""

    name: str
    remote: bool

    def manifest(self, entry: Entry) -> dict[str, Any]:
        """The manifest or index of a descriptor, small enough for memory."""

    def blob(self, entry: Entry, limit: int) -> bytes:
        """A blob of at most `limit` bytes."""

    def chunks(self, layer: Layer) -> Iterator[bytes]:
        """The blob of a layer."""

    def referrers(self, digest: str) -> Sequence[Entry]:
        """What names this manifest as its subject, beside what the image's index holds."""


def open_image(reader: Reader, roots: Sequence[Entry], *, platform: str, preferred: str, reference: str = "") -> Opened:
    """The image that the descriptors `roots` lead to.

    `platform` (`linux/amd64`) is the one that is wanted, or empty: then the only one there is, or `preferred`.
    `reference` chooses among images of several names. BaseImageError, IntegrityError.
    """
    everything = walk = _walked(reader, roots)
    if reference:
        walk = _walked(reader, [entry for entry in roots if reference in _names(entry)])
    chosen = _choose(walk.images, platform, preferred, reader.name)
    manifest, config = chosen.manifest, chosen.config
    layers = named_layers(reader.name, manifest, config)
    if len(layers) > _MOST_LAYERS:
        raise BaseImageError(f"{reader.name} has {len(layers)} layers; {_MOST_LAYERS} are the most")
    statements, notes = _statements(reader, [*walk.attached(chosen.digest), *reader.referrers(chosen.digest)], chosen)
    return Opened(
        name=reader.name,
        platform=chosen.platform,
        platforms=tuple(dict.fromkeys(image.platform for image in walk.images)),
        config=config,
        config_digest=str(manifest["config"]["digest"]),
        manifest_digest=chosen.digest,
        index_digest=chosen.index,
        annotations=_texts(manifest.get("annotations")),
        layers=tuple(layers),
        blobs=reader.chunks,
        statements=statements,
        notes=notes,
        remote=reader.remote,
        layer_annotations=tuple(_texts(entry.get("annotations")) for entry in manifest["layers"]),
        beside=frozenset(_blobs(image.manifest) for image in everything.images),
    )


def _blobs(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(address_of(entry)[0] for entry in (manifest["config"], *manifest["layers"]))


def _texts(annotations: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in annotations.items()} if isinstance(annotations, Mapping) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    digest: str
    index: str
    platform: str
    manifest: dict[str, Any]
    config: dict[str, Any]


class _Walk:
    """Goes through indexes inside of indexes, and notes images and what is attached to them."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._seen: set[tuple[str, str]] = set()
        self._attached: list[tuple[str, Entry]] = []
        self.images: list[_Found] = []

    def look_at(self, entry: Entry, index: str, depth: int, outer: Claim | None = None) -> None:
        """Note what a descriptor leads to; `index` is the digest of the index that holds it, `outer` what that claims.

        What claims to be for a platform is an image for it, or an error: an engine would take it by that alone.
        """
        digest, _ = address_of(entry)
        claimed = claim_of(entry.get("platform")) or outer
        real = claimed is not None and claimed.real
        if (digest, str(claimed)) in self._seen:
            return
        if entry.get("mediaType") not in (*INDEXES, *MANIFESTS):
            if real:
                raise self._no_image(digest, claimed)
            return
        self._seen.add((digest, str(claimed)))
        if depth > _DEEPEST or len(self._seen) > _MOST_MANIFESTS:
            raise BaseImageError(
                f"{self._reader.name} has indexes without end, or more than {_MOST_MANIFESTS} manifests"
            )
        notes = entry.get("annotations")
        attests = isinstance(notes, Mapping) and notes.get(REFERENCE_TYPE) == ATTESTATION
        if attests and isinstance(notes, Mapping):
            self._attached.append((str(notes.get(REFERENCE_DIGEST)), entry))
            if claimed is not None and not real:
                return
        content = self._reader.manifest(entry)
        if "manifests" in content and "layers" in content:
            raise IntegrityError(f"{self._reader.name} has an index that is a manifest at once: {digest[:19]}")
        if entry["mediaType"] in INDEXES:
            for inner in descriptors_of(content):
                self.look_at(inner, digest, depth + 1, claimed)
            return
        subject = content.get("subject")
        if isinstance(subject, Mapping) and not attests:
            self._attached.append((str(subject.get("digest")), entry))
        if not self._is_image(content):
            if real:
                raise self._no_image(digest, claimed)
        elif real or claimed is None:
            self._note_image(content, digest, index, claimed)

    def _is_image(self, manifest: Mapping[str, Any]) -> bool:
        """Whether an engine would run it: engines look at nothing but its config and layers."""
        config = manifest.get("config")
        kind = config.get("mediaType") if isinstance(config, Mapping) else ""
        return isinstance(manifest.get("layers"), list) and kind in (None, CONFIG, _DOCKER_CONFIG)

    def _note_image(self, manifest: dict[str, Any], digest: str, index: str, claimed: Claim | None) -> None:
        blob = self._reader.blob(manifest["config"], 4 << 20)
        aside = bool(manifest.get("subject") or manifest.get("artifactType"))
        config = _json(blob, "the image config")
        said = claim_of(config)
        if claimed is None and (
            said is None or "unknown" in (said.system, said.architecture) or (aside and not said.real)
        ):
            return  # what is attached in the form of an image, for no platform
        config = checked_config(config)
        platform = agreed(claimed, said or Claim(system="linux", architecture=""), digest, self._reader.name)
        self.images.append(_Found(digest=digest, index=index, platform=str(platform), manifest=manifest, config=config))

    def _no_image(self, digest: str, claimed: Claim | None) -> IntegrityError:
        return IntegrityError(
            f"the index of {self._reader.name} names {digest[:19]} as an image for {claimed}, and it is none",
            hint="engines choose by the index: the image is damaged or was tampered with",
        )

    def attached(self, digest: str) -> list[Entry]:
        """The descriptors of the manifests that are about the one with this digest."""
        return [entry for about, entry in self._attached if about == digest]


def _walked(reader: Reader, roots: Sequence[Entry]) -> _Walk:
    walk = _Walk(reader)
    for entry in roots:
        walk.look_at(entry, "", 0)
    return walk


def _choose(images: Sequence[_Found], platform: str, preferred: str, name: str) -> _Found:
    there = ", ".join(dict.fromkeys(image.platform for image in images))
    if not images:
        raise BaseImageError(f"{name} holds no image", hint="what is it? An image has a manifest and a config")
    wanted = platform or preferred
    fitting = [image for image in images if image.platform == wanted or image.platform.startswith(f"{wanted}/")]
    if not fitting and not platform and len({image.digest for image in images}) == 1:
        return images[0]
    if not fitting:
        raise BaseImageError(f"{name} is not there for {wanted}, only for {there}", hint="name one with --platform")
    if len({image.digest for image in fitting}) > 1:
        raise BaseImageError(
            f"{name} holds {len(fitting)} images for {wanted}", hint="name one by its tag, as in oci:DIR:TAG"
        )
    return fitting[0]


def _names(entry: Entry) -> list[str]:
    notes = entry.get("annotations")
    return [str(notes[key]) for key in _NAMES if key in notes] if isinstance(notes, Mapping) else []


def _statements(
    reader: Reader, entries: Sequence[Entry], image: _Found
) -> tuple[tuple[Statement, ...], tuple[str, ...]]:
    """The statements of the manifests that are attached; what cannot be read, or is about another, is noted."""
    found: dict[str, Statement] = {}
    notes = []
    for entry in entries[:_MOST_STATEMENTS]:
        layers = reader.manifest(entry).get("layers")
        for layer in layers[:_MOST_STATEMENTS] if isinstance(layers, list) else ():
            if not isinstance(layer, Mapping) or layer.get("mediaType") != IN_TOTO:
                continue
            digest, _ = address_of(layer)
            if digest in found:
                continue
            statement = _statement(reader.blob(layer, LARGEST_STATEMENT), image.digest)
            if statement is None:
                notes.append(f"{digest[:19]}, which is attached, says nothing of this image")
            else:
                found[digest] = statement
    return tuple(found.values()), tuple(notes)


def _statement(data: bytes, manifest_digest: str) -> Statement | None:
    """An in-toto statement about the manifest; None for anything else."""
    try:
        value = json.loads(data)
        about = {str(one["digest"].get("sha256")) for one in value["subject"]}
        kind, predicate = value["predicateType"], value["predicate"]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None
    if manifest_digest.removeprefix("sha256:") not in about or not isinstance(kind, str):
        return None
    return Statement(predicate_type=kind, predicate=predicate) if isinstance(predicate, dict) else None


def _json(data: bytes, what: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise BaseImageError(f"{what} is not JSON") from None
