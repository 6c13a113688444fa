"""An inventory as SPDX 2.3 JSON: the form that BuildKit's own tools and registries' pages read.

What CycloneDX nests is told by relationships. The same parts, in the same order, and no clock.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from ..oci.canonical import digest_of
from .tool import NAME, version
from .types import Component, Inventory, License

PREDICATE = "https://spdx.dev/Document"
# The format wants a time. Without a given one it is that of all files in the layers.
_CREATED = "1980-01-01T00:00:00Z"
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:envbuild:spdx")
_UNKNOWN = "NOASSERTION"
_PURPOSES = {"data": "OTHER", "machine-learning-model": "OTHER"}
_ALGORITHMS = {"MD5": "MD5", "SHA-1": "SHA1", "SHA-256": "SHA256", "SHA-384": "SHA384", "SHA-512": "SHA512"}


def spdx(inventory: Inventory) -> dict[str, Any]:
    """The bill of materials as JSON values, its namespace derived from all the rest of it."""
    packages: list[dict[str, Any]] = []
    relationships = [_related("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image")]
    for holder, reference, component in _numbered(inventory):
        packages.append(_package(component, reference))
        if holder:
            relationships.append(_related(holder, "CONTAINS", reference))
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": inventory.image.name,
        "creationInfo": {
            "created": inventory.created or _CREATED,
            "creators": [f"Tool: {'-'.join(filter(None, (NAME, version())))}"],
        },
        "packages": packages,
        "relationships": relationships,
    }
    return {**document, "documentNamespace": uuid.uuid5(_SPACE, digest_of(document)).urn}


def _numbered(inventory: Inventory) -> Iterator[tuple[str, str, Component]]:
    """Every component behind the identifier of what holds it and its own; the image first, held by nothing."""
    yield "", "SPDXRef-Image", inventory.image
    count = 0
    waiting = [("SPDXRef-Image", component) for component in reversed(inventory.components)]
    while waiting:
        holder, component = waiting.pop()
        count += 1
        reference = f"SPDXRef-Package-{count}"
        yield holder, reference, component
        waiting += [(reference, part) for part in reversed(component.parts)]


def _package(component: Component, reference: str) -> dict[str, Any]:
    declared = _declared(component.licenses)
    found: dict[str, Any] = {
        "SPDXID": reference,
        "name": component.name,
        "versionInfo": component.version,
        "primaryPackagePurpose": _PURPOSES.get(component.kind, component.kind.upper()),
        "downloadLocation": _UNKNOWN,
        "filesAnalyzed": False,
        "sourceInfo": _source(component),
        "checksums": [
            {"algorithm": _ALGORITHMS[name], "checksumValue": text}
            for name, text in component.hashes
            if name in _ALGORITHMS
        ],
        "licenseConcluded": _UNKNOWN,
        "licenseDeclared": declared,
        "licenseComments": "; ".join(one.text for one in component.licenses) if declared == _UNKNOWN else "",
        "copyrightText": _UNKNOWN,
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": text}
            for text in (component.purl,)
            if text
        ],
    }
    return {name: value for name, value in found.items() if value or name == "filesAnalyzed"}


def _source(component: Component) -> str:
    """What it was built from, in words: the format has no field for it."""
    told = [" ".join([one.url, *(f"{name} {text}" for name, text in one.hashes)]) for one in component.references]
    commit = [f"the commit {component.commit}"] if component.commit and not told else []
    return f"built from {', '.join(told or commit)}" if told or commit else ""


def _declared(licenses: tuple[License, ...]) -> str:
    """The one expression; what SPDX has no name for, or how several go together, is not asserted."""
    if len(licenses) == 1 and licenses[0].expression and "LicenseRef-" not in licenses[0].expression:
        return licenses[0].expression
    return _UNKNOWN


def _related(one: str, how: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other}
