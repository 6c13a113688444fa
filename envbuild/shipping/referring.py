"""Manifests that are found by what they are about, in registries that list them and in those that do not yet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..oci.canonical import canonical_json
from ..oci.types import INDEX, MANIFEST

if TYPE_CHECKING:
    from ..oci.types import Artifact
    from ..oci.uploads import Uploads


def refer(artifact: Artifact, uploads: Uploads) -> None:
    """Store `artifact`, and list it for its subject where the registry does not do so by itself.

    That is done under the tag `sha256-<hex>` of the subject (distribution specification 1.1, referrers tag schema).
    What others list there stays.
    """
    if uploads.put_manifest(artifact.digest, artifact.manifest, MANIFEST):
        return
    content = json.loads(artifact.manifest)
    entry: dict[str, Any] = {
        "mediaType": MANIFEST,
        "digest": artifact.digest,
        "size": len(artifact.manifest),
        "artifactType": content["artifactType"],
    }
    if content.get("annotations"):
        entry["annotations"] = content["annotations"]
    tag = content["subject"]["digest"].replace(":", "-", 1)
    others = [one for one in uploads.listed(tag) if one.get("digest") != artifact.digest]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*others, entry]}
    uploads.put_manifest(tag, canonical_json(index), INDEX)
