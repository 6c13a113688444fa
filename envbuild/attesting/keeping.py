"""Components as JSON values, so that the store can remember what was read once."""

from __future__ import annotations

from typing import Any

from .types import Component, License


def to_json(component: Component) -> dict[str, Any]:
    """What `from_json` reads; what is empty is left out."""
    found: dict[str, Any] = {
        "kind": component.kind,
        "name": component.name,
        "version": component.version,
        "purl": component.purl,
        "hashes": [list(pair) for pair in component.hashes],
        "licenses": [[one.expression, one.name] for one in component.licenses],
        "properties": [list(pair) for pair in component.properties],
        "parts": [to_json(part) for part in component.parts],
    }
    return {name: value for name, value in found.items() if value}


def from_json(value: Any) -> Component:
    """A component of its JSON value. Raises KeyError, TypeError or ValueError for what is none."""
    return Component(
        kind=value["kind"],
        name=value["name"],
        version=value.get("version", ""),
        purl=value.get("purl", ""),
        hashes=tuple((algorithm, text) for algorithm, text in value.get("hashes", ())),
        licenses=tuple(License(expression=text, name=name) for text, name in value.get("licenses", ())),
        properties=tuple((name, text) for name, text in value.get("properties", ())),
        parts=tuple(from_json(part) for part in value.get("parts", ())),
    )
