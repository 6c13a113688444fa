"""The values of an OCI image, as defined by image-spec 1.1. Nothing here knows of models."""

from __future__ import annotations

from dataclasses import dataclass, field

from .canonical import sha256_digest

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
LAYER_TAR = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer whose blob is in the store.

    `diff_id` is the digest of the plain tar, `digest` that of the blob as stored (the same for a plain tar);
    `size` is the blob's in bytes.
    """

    diff_id: str
    digest: str
    size: int
    media_type: str = LAYER_TAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A finished image: the exact bytes of its config and manifest, and its layers, lowest first."""

    config: bytes
    manifest: bytes
    layers: tuple[Layer, ...]
    config_digest: str = field(init=False)
    manifest_digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "config_digest", sha256_digest(self.config))
        object.__setattr__(self, "manifest_digest", sha256_digest(self.manifest))

    @property
    def size(self) -> int:
        """The sum of the layers' blobs, in bytes."""
        return sum(layer.size for layer in self.layers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A manifest that is no image's, as exact bytes, and those of every blob that it names: its config, its layers."""

    manifest: bytes
    blobs: tuple[bytes, ...]
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", sha256_digest(self.manifest))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageIndex:
    """An image index: its exact bytes, the images that it names, and the artifacts that it names beside them."""

    content: bytes
    images: tuple[Image, ...]
    artifacts: tuple[Artifact, ...] = ()
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", sha256_digest(self.content))
