"""What a registry has of an earlier build: layers by what they are made from, to be used without having been seen.

Asked are the names that the image is about to get and those of --cache-from, and nobody else: whoever may write there
could as well push a wrong image. What the manifest says of a layer counts only with what the image's config says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import EnvbuildError
from ..oci.canonical import canonical_json, sha256_digest
from ..oci.pulling import config_of, manifest_for
from ..oci.reading import named_layers
from ..oci.registry import Document, Registry
from ..oci.remote import RemoteImage
from ..oci.transport import Transport
from ..oci.types import EMPTY, MANIFEST, Artifact, Layer

KEY = "dev.envbuild.layer.key"
"""The annotation of a layer with the digest of what it is made from."""
COMPRESSOR = "dev.envbuild.layer.compressor"
"""The annotation of a layer with what compressed it, or found that it does not compress."""
PACKAGES = "dev.envbuild.packages"
"""The annotation of an image with the digest of the manifest that leads to what its wheels hold."""
PACKAGES_TYPE = "application/vnd.envbuild.packages.v1+json"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What one registry image offers. `layers` are by key, and lie in `image`'s repository.

    `packages` is the digest of the manifest of what the wheels hold, empty where there is none.
    """

    image: RemoteImage
    layers: Mapping[str, Layer] = field(default_factory=dict)
    packages: str = ""


def recall(
    names: Sequence[RemoteImage], *, platform: str, compressor: str, insecure: frozenset[str] = frozenset()
) -> tuple[tuple[Recalled, ...], tuple[str, ...]]:
    """What the images of `names` offer, and the reasons why others offer nothing; a name that is not there gives none.

    Layers of another compressor than `compressor` are passed over: the image would have another digest.
    """
    found: list[Recalled] = []
    reasons: list[str] = []
    with Transport(insecure=insecure) as transport:
        for name in dict.fromkeys(names):
            registry = Registry(name, transport, mirror=False)
            try:
                if not registry.has(name.wanted):
                    continue
                document = manifest_for(registry.manifest(name.wanted), registry, name, platform)
                found.append(_offered(document, config_of(document, registry, name), name, compressor))
            except EnvbuildError as error:
                reasons.append(f"{name.canonical} is no cache of layers: {error.message}")
    return tuple(found), tuple(reasons)


def recall_packages(recalled: Recalled, *, insecure: frozenset[str] = frozenset()) -> dict[str, Any] | None:
    """What the wheels of the recalled image hold, as it was attached; None where it is gone or is none."""
    if not _DIGEST.fullmatch(recalled.packages):
        return None
    with Transport(insecure=insecure) as transport:
        registry = Registry(recalled.image, transport, mirror=False)
        try:
            content = registry.manifest(recalled.packages).content
            (layer,) = content["layers"]
            if content.get("artifactType") != PACKAGES_TYPE or not _DIGEST.fullmatch(layer["digest"]):
                return None
            value = json.loads(registry.small_blob(layer["digest"], layer["size"]))
        except (EnvbuildError, KeyError, TypeError, ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def packages_artifact(record: Mapping[str, Any]) -> Artifact:
    """What the wheels of an image hold, to be pushed beside it. Plain JSON: its bytes depend on nothing else."""
    data, empty = canonical_json(record), b"{}"
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": PACKAGES_TYPE,
        "config": {"mediaType": EMPTY, "digest": sha256_digest(empty), "size": len(empty)},
        "layers": [{"mediaType": PACKAGES_TYPE, "digest": sha256_digest(data), "size": len(data)}],
    }
    return Artifact(manifest=canonical_json(manifest), blobs=(empty, data))


def _offered(document: Document, config: Mapping[str, Any], name: RemoteImage, compressor: str) -> Recalled:
    layers = named_layers(name.canonical, document.content, config)
    notes = [entry.get("annotations") for entry in document.content["layers"]]
    offered = {}
    for layer, note in zip(layers, notes, strict=True):
        if isinstance(note, Mapping) and note.get(COMPRESSOR) == compressor and isinstance(note.get(KEY), str):
            offered[note[KEY]] = layer
    own = document.content.get("annotations")
    packages = own.get(PACKAGES) if isinstance(own, Mapping) else None
    return Recalled(
        image=name,
        layers=offered,
        packages=packages if isinstance(packages, str) and _DIGEST.fullmatch(packages) else "",
    )
