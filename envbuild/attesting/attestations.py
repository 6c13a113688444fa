"""Statements about an image, attached to it in the two ways that there are.

BuildKit's: an index with the image and, beside it, a manifest of the statements for no platform. And that of OCI 1.1:
for each statement a manifest whose `subject` is the image. Nothing here asks anybody, nor is any of it in the image.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..oci.canonical import canonical_json, sha256_digest
from ..oci.types import INDEX, MANIFEST, Artifact, Image, ImageIndex
from ..records import dataclass

IN_TOTO = "application/vnd.in-toto+json"
PREDICATE_TYPE = "in-toto.io/predicate-type"
"""The annotation that tells what a statement is about without reading it."""
REFERENCE_TYPE, REFERENCE_DIGEST = "vnd.docker.reference.type", "vnd.docker.reference.digest"
ATTESTATION = "attestation-manifest"
_ARTIFACT_TYPE = "application/vnd.docker.attestation.manifest.v1+json"
_EMPTY_TYPE, _EMPTY = "application/vnd.oci.empty.v1+json", b"{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Something that is said of an image: an in-toto predicate, and the URI of its type."""

    predicate_type: str
    predicate: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """An image with its statements.

    `index` takes the image's place: it names the image and BuildKit's attestation manifest. `referrers` are for a
    registry, which lists them by their subject: each belongs beside the image, under its own digest and no tag.
    """

    index: ImageIndex
    referrers: tuple[Artifact, ...]


def attested(image: Image, statements: Sequence[Statement]) -> Attested:
    """`image` with `statements`, whose subject is the image's manifest: it must be the manifest that others get.

    A compressed image has another manifest than a plain one, so this comes behind compression. Equal inputs give equal
    bytes.
    """
    blobs = [(one.predicate_type, in_toto(image.manifest_digest, one)) for one in statements]
    subject = {"mediaType": MANIFEST, "digest": image.manifest_digest, "size": len(image.manifest)}
    together = _artifact(_ARTIFACT_TYPE, blobs, subject, {})
    named = {
        "mediaType": MANIFEST,
        "digest": together.digest,
        "size": len(together.manifest),
        "platform": {"architecture": "unknown", "os": "unknown"},
        "annotations": {REFERENCE_TYPE: ATTESTATION, REFERENCE_DIGEST: image.manifest_digest},
    }
    content = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{**subject, "platform": platform_of(image)}, named],
    }
    return Attested(
        index=ImageIndex(content=canonical_json(content), images=(image,), artifacts=(together,)),
        referrers=tuple(_artifact(IN_TOTO, [blob], subject, {PREDICATE_TYPE: blob[0]}) for blob in blobs),
    )


def in_toto(manifest_digest: str, statement: Statement) -> bytes:
    """The statement as in-toto has it. Its subject has no name: an image has the tags that somebody gives it."""
    algorithm, _, value = manifest_digest.partition(":")
    return canonical_json(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "_", "digest": {algorithm: value}}],
            "predicateType": statement.predicate_type,
            "predicate": dict(statement.predicate),
        }
    )


def platform_of(image: Image) -> dict[str, str]:
    """The platform that an index gives for an image: what its config says."""
    config = json.loads(image.config)
    return {key: config[key] for key in ("architecture", "os", "variant") if config.get(key)}


def _artifact(
    kind: str, blobs: Sequence[tuple[str, bytes]], subject: Mapping[str, Any], annotations: Mapping[str, str]
) -> Artifact:
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": kind,
        "config": {"mediaType": _EMPTY_TYPE, "digest": sha256_digest(_EMPTY), "size": len(_EMPTY)},
        "layers": [
            {
                "mediaType": IN_TOTO,
                "digest": sha256_digest(blob),
                "size": len(blob),
                "annotations": {PREDICATE_TYPE: predicate_type},
            }
            for predicate_type, blob in blobs
        ],
        "subject": dict(subject),
    }
    if annotations:
        manifest["annotations"] = dict(annotations)
    return Artifact(manifest=canonical_json(manifest), blobs=(_EMPTY, *(blob for _, blob in blobs)))
