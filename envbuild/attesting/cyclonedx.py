"""An inventory as CycloneDX 1.6 JSON: equal inventories give equal bytes, without a clock and without chance."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..oci.canonical import digest_of
from .tool import NAME, version
from .types import Component, Inventory, License, Reference

PREDICATE = "https://cyclonedx.org/bom"
_IMAGE = "image"
# What a serial number is derived from stands in this name space, so that it is envbuild's own.
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:envbuild:sbom")


def cyclonedx(inventory: Inventory) -> dict[str, Any]:
    """The bill of materials as JSON values, its serial number derived from all the rest of it."""
    references = _References()
    image = _component(inventory.image, references, reference=_IMAGE)
    components = [_component(component, references) for component in inventory.components]
    tool = {"type": "application", "name": NAME, "version": version()}
    metadata: dict[str, Any] = {
        "lifecycles": [{"phase": inventory.phase}],
        "tools": {"components": [{key: value for key, value in tool.items() if value}]},
        "component": image,
    }
    if inventory.created:
        metadata["timestamp"] = inventory.created
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": metadata,
        "components": components,
        "dependencies": [{"ref": _IMAGE, "dependsOn": [component["bom-ref"] for component in components]}],
    }
    return {**document, "serialNumber": uuid.uuid5(_SPACE, digest_of(document)).urn}


class _References:
    """Names for components, each once in a document: the purl, or kind and name, and a number where it is taken."""

    def __init__(self) -> None:
        self._taken = {_IMAGE: 1}

    def of(self, component: Component) -> str:
        wanted = component.purl or f"{component.kind}:{component.name}" + (
            f"@{component.version}" if component.version else ""
        )
        found = wanted
        while found in self._taken:
            self._taken[wanted] += 1
            found = f"{wanted}#{self._taken[wanted]}"
        self._taken.setdefault(found, 1)
        return found


def _component(component: Component, references: _References, *, reference: str = "") -> dict[str, Any]:
    found = {
        "type": component.kind,
        "bom-ref": reference or references.of(component),
        "name": component.name,
        "version": component.version,
        "hashes": [{"alg": algorithm, "content": text} for algorithm, text in component.hashes],
        "licenses": _licenses(component.licenses),
        "purl": component.purl,
        "pedigree": {"commits": [{"uid": component.commit}]} if component.commit else {},
        "externalReferences": [_reference(one) for one in component.references],
        "properties": [{"name": name, "value": text} for name, text in component.properties],
        "components": [_component(part, references) for part in component.parts],
    }
    return {name: value for name, value in found.items() if value}


def _reference(one: Reference) -> dict[str, Any]:
    found: dict[str, Any] = {"type": one.kind, "url": one.url}
    hashes = [{"alg": algorithm, "content": text} for algorithm, text in one.hashes]
    return {**found, "hashes": hashes} if hashes else found


def _licenses(licenses: Sequence[License]) -> list[dict[str, Any]]:
    """One expression, or a list of licenses: the format has not both."""
    if len(licenses) == 1 and licenses[0].expression:
        return [{"expression": licenses[0].expression}]
    return [{"license": {"id" if _is_plain(one) else "name": one.text}} for one in licenses]


def _is_plain(one: License) -> bool:
    """Whether it is the name of one license on SPDX's list."""
    return bool(one.expression) and not {" ", "+", "("} & {*one.expression} and "LicenseRef-" not in one.expression


def every(components: Iterable[Component]) -> Iterator[Component]:
    """The components and all their parts, each before its own."""
    for component in components:
        yield component
        yield from every(component.parts)
