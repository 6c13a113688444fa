"""Images from files: an OCI layout, an OCI archive, a Docker archive. What is read is not trusted.

Every blob is checked against its digest, every layer against the config's diff_id, and kept byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import BaseImageError, IntegrityError
from .canonical import canonical_json, sha256_digest
from .image import DOCKER_LAYERS, make_image
from .inflate import diff_id_of, media_type_of
from .sources import JSON_LIMIT, ArchiveSource, FolderSource, Source, StreamSource, chunks_of, parse_json
from .types import LAYER_GZIP, LAYER_TAR, LAYER_ZSTD, Layer

if TYPE_CHECKING:
    from .store import Store

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_LAYERS = {name: name for name in (LAYER_TAR, LAYER_GZIP, LAYER_ZSTD)} | DOCKER_LAYERS
_DEEPEST = 4  # indexes inside indexes
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """An image whose layers are in the store. `reference` is its name in the file, empty where it has none.

    `config_digest` is that of the config's exact bytes.
    """

    config: dict[str, Any]
    layers: tuple[Layer, ...]
    manifest_digest: str
    reference: str
    config_digest: str = ""


def read_oci_layout(path: Path, store: Store, *, platform: str, reference: str = "") -> StoredImage:
    """Read the image for `platform` (`linux/amd64`) from the layout in a folder.

    `reference` chooses among several. BaseImageError, IntegrityError.
    """
    return _read_layout(FolderSource(path), store, platform, reference)


def read_oci_archive(path: Path, store: Store, *, platform: str, reference: str = "") -> StoredImage:
    """Read the image for `platform` from the layout in a tar, which may be compressed."""
    with ArchiveSource(path) as source:
        return _read_layout(source, store, platform, reference)


def read_docker_archive(stream: BinaryIO, store: Store) -> StoredImage:
    """Read the one image of a Docker archive from a stream that is read once, from its start to its end."""
    source = StreamSource(stream, store)
    entries = parse_json(source.small("manifest.json"), "manifest.json")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BaseImageError("manifest.json of the Docker archive is not a list of images")
    if len(entries) != 1:
        names = ", ".join(sorted(str(tag) for entry in entries for tag in entry.get("RepoTags") or ())) or "no name"
        raise BaseImageError(
            f"the Docker archive holds {len(entries)} images ({names})", hint="save one image alone: docker save NAME"
        )
    entry = entries[0]
    raw = source.small(str(entry.get("Config")))
    config = checked_config(parse_json(raw, "the image config"))
    diff_ids = config["rootfs"]["diff_ids"]
    members = entry.get("Layers") or []
    _check_count(members, diff_ids)
    layers = []
    for member, diff_id in zip(members, diff_ids, strict=True):
        digest, size = source.keep(str(member))
        layer = Layer(diff_id=diff_id, digest=digest, size=size, media_type=media_type_of(store, digest))
        check_diff_id(store, layer)
        layers.append(layer)
    tags = entry.get("RepoTags") or [""]
    return StoredImage(
        config=config,
        layers=tuple(layers),
        manifest_digest=_own_manifest(source, raw) or make_image(raw, layers, {}).manifest_digest,
        reference=str(tags[0]),
        config_digest=sha256_digest(raw),
    )


def _own_manifest(source: StreamSource, config: bytes) -> str:
    """The digest of the manifest that names this config, in a Docker archive that is an OCI layout as well."""
    if not source.has("index.json"):
        return ""
    listed = parse_json(source.small("index.json"), "index.json")
    for entry in descriptors_of(listed):
        try:
            manifest = parse_json(source.small(blob_name(str(entry.get("digest")))), "the manifest")
        except BaseImageError:
            continue
        if isinstance(manifest, dict) and (manifest.get("config") or {}).get("digest") == sha256_digest(config):
            return str(entry["digest"])
    return ""


def _read_layout(source: Source, store: Store, platform: str, reference: str) -> StoredImage:
    if "imageLayoutVersion" not in json_object(source.small("oci-layout"), "oci-layout"):
        raise BaseImageError(f"{source.name} is no OCI layout: its oci-layout file names no version")
    listed = json_object(source.small("index.json"), "index.json")
    found: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {}
    others: set[str] = set()
    for entry, name in _manifests(source, listed, reference, "", 0, set()):
        claimed = entry.get("platform")
        if isinstance(claimed, dict) and claimed.get("os") == "unknown":
            continue  # an attestation, not an image
        digest = str(entry.get("digest"))
        manifest = json_object(verified(source, entry), "the manifest")
        if "layers" not in manifest or manifest.get("artifactType"):
            continue
        config = checked_config(json_object(verified(source, manifest.get("config")), "the image config"))
        this = f"{config.get('os', 'linux')}/{config.get('architecture', '')}"
        if this == platform or f"{this}/{config.get('variant', '')}" == platform:
            found.setdefault(digest, (manifest, config, name))
        else:
            others.add(this)
    if not found:
        what = f"for {platform}, only for {', '.join(sorted(others))}" if others else "that could be used"
        raise BaseImageError(f"{source.name} holds no image {what}", hint="choose another base or platform")
    if len(found) > 1:
        names = ", ".join(sorted(name or digest for digest, (_, _, name) in found.items()))
        raise BaseImageError(f"{source.name} holds several images: {names}", hint="keep one image in it")
    ((digest, (manifest, config, name)),) = found.items()
    return StoredImage(
        config=config,
        layers=tuple(_layers(source, store, manifest, config)),
        manifest_digest=digest,
        reference=name,
        config_digest=str(manifest["config"]["digest"]),
    )


def _manifests(
    source: Source, listed: Mapping[str, Any], reference: str, name: str, depth: int, seen: set[Any]
) -> Iterator[tuple[dict[str, Any], str]]:
    """The manifests' descriptors with the names that they go by, through indexes inside indexes."""
    if depth > _DEEPEST:
        raise BaseImageError(f"{source.name} has indexes inside indexes without end")
    for entry in descriptors_of(listed):
        notes = entry.get("annotations")
        names = [str(notes[key]) for key in _NAMES if key in notes] if isinstance(notes, dict) else []
        called = names[0] if names else name
        if reference and depth == 0 and reference not in names:
            continue
        if entry.get("digest") in seen:
            continue  # the same image under two names
        seen.add(address_of(entry)[0])
        if entry.get("mediaType") in INDEXES:
            inner = json_object(verified(source, entry), "the index")
            yield from _manifests(source, inner, reference, called, depth + 1, seen)
        elif entry.get("mediaType") in MANIFESTS:
            yield entry, called


def _layers(source: Source, store: Store, manifest: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[Layer]:
    for layer in named_layers(source.name, manifest, config):
        if not store.has(layer.digest, layer.size):
            with source.open(blob_name(layer.digest), layer.size) as blob:
                store.ingest(chunks_of(blob), expected=layer.digest)
        check_diff_id(store, layer)
        yield layer


def named_layers(name: str, manifest: Mapping[str, Any], config: Mapping[str, Any]) -> list[Layer]:
    """The layers that a manifest and its config name, lowest first, whether or not they are in the store.

    `name` is the image's for errors. BaseImageError for a type that cannot be used.
    """
    descriptors = manifest["layers"]
    diff_ids = config["rootfs"]["diff_ids"]
    _check_count(descriptors, diff_ids)
    layers = []
    for entry, diff_id in zip(descriptors, diff_ids, strict=True):
        digest, size = address_of(entry)
        media_type = _LAYERS.get(str(entry.get("mediaType")))
        if media_type is None:
            raise BaseImageError(
                f"a layer of {name} has the type {entry.get('mediaType')}, which cannot be used",
                hint="choose a base whose layers are plain, gzip or zstd tars",
            )
        layers.append(Layer(diff_id=diff_id, digest=digest, size=size, media_type=media_type))
    return layers


def check_diff_id(store: Store, layer: Layer) -> None:
    """A layer must unpack to what the config says, else engines refuse the image long after it was built."""
    actual = diff_id_of(store, layer.digest, layer.media_type)
    if actual != layer.diff_id:
        raise IntegrityError(
            f"the layer {layer.digest} unpacks to {actual}, and the image config names {layer.diff_id}",
            hint="the image is damaged or was tampered with: fetch it anew",
        )


def _check_count(layers: Any, diff_ids: Sequence[str]) -> None:
    if not isinstance(layers, list) or len(layers) != len(diff_ids):
        count = len(layers) if isinstance(layers, list) else "no"
        raise BaseImageError(f"the image has {count} layers, and its config names {len(diff_ids)}")


def checked_config(config: Any) -> dict[str, Any]:
    """An image config that somebody else wrote, with the parts that are needed. BaseImageError."""
    rootfs = config.get("rootfs") if isinstance(config, dict) else None
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(diff_ids, list) or not all(isinstance(x, str) for x in diff_ids):
        raise BaseImageError("the image config names no layers (rootfs.diff_ids)", hint="is it a container image?")
    if not isinstance(config.get("config") or {}, dict) or not isinstance(config.get("history") or [], list):
        raise BaseImageError("the image config is malformed: `config` or `history` has the wrong type")
    try:
        canonical_json(config)
    except (UnicodeEncodeError, RecursionError):
        raise BaseImageError("the image config is malformed: it has half of a character (a lone surrogate)") from None
    return dict(config)


def descriptors_of(listed: Any) -> list[dict[str, Any]]:
    """What an index lists."""
    entries = listed.get("manifests") if isinstance(listed, dict) else None
    if not isinstance(entries, list):
        raise BaseImageError("the index names no manifests")
    return [entry for entry in entries if isinstance(entry, dict)]


def address_of(entry: Any) -> tuple[str, int]:
    """Digest and size of a descriptor. BaseImageError, IntegrityError for a digest that is none."""
    digest = entry.get("digest") if isinstance(entry, dict) else None
    size = entry.get("size") if isinstance(entry, dict) else None
    if not isinstance(digest, str) or not isinstance(size, int) or size < 0:
        raise BaseImageError("a descriptor of the image has no digest or no size")
    blob_name(digest)
    return digest, size


def blob_name(digest: str) -> str:
    """The path of a blob in a layout. A digest that is none could name any path."""
    algorithm, _, value = digest.partition(":")
    if algorithm != "sha256" or len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise IntegrityError(f"{digest!r} is not a sha256 digest", hint="only sha256 is supported")
    return f"blobs/sha256/{value}"


def verified(source: Source, entry: Any) -> bytes:
    """A small blob, checked against its descriptor."""
    digest, size = address_of(entry)
    if size > JSON_LIMIT:
        raise BaseImageError(f"{digest} of {source.name} is {size} bytes of JSON; {JSON_LIMIT} are the most")
    data = source.small(blob_name(digest))
    if sha256_digest(data) != digest:
        raise IntegrityError(f"the blob {digest} of {source.name} has another hash", hint="fetch the image anew")
    return data


def json_object(data: bytes, what: str) -> dict[str, Any]:
    """A JSON document that must be an object. BaseImageError."""
    value = parse_json(data, what)
    if not isinstance(value, dict):
        raise BaseImageError(f"{what} is not a JSON object")
    return value
