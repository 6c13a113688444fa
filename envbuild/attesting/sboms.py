"""SBOMs that others wrote and put into a wheel (PEP 770): what they name is kept, in a form that is known to be valid.

They are input: whatever is not as it should be is left out, and one that cannot be read at all is told as such.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from ..patterns import pattern
from .licenses import expression_of
from .types import Component, Kind, License

LARGEST = 16 << 20
"""Bytes of one SBOM inside a wheel."""
_MOST = 5000
_DEEPEST = 8
_KINDS = frozenset(
    {"application", "container", "data", "file", "framework", "library", "machine-learning-model", "operating-system"}
)
_LENGTHS = {"MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-384": 96, "SHA-512": 128}
_HEX = pattern(r"[0-9a-f]+\Z")
_PURL = pattern(r"pkg:[A-Za-z][A-Za-z0-9.+-]*/[\x21-\x7e]{1,1000}\Z")


def read_sbom(data: bytes) -> tuple[Component, ...] | None:
    """The components that an SBOM names, CycloneDX or SPDX 2 as JSON; None for anything else."""
    if len(data) > LARGEST:
        return None
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    if document.get("bomFormat") == "CycloneDX":
        return tuple(_cyclonedx(document.get("components"), [_MOST], _DEEPEST))
    if str(document.get("spdxVersion", "")).startswith("SPDX-2"):
        return tuple(_spdx(document.get("packages")))
    return None


def _cyclonedx(listed: Any, room: list[int], depth: int) -> Iterator[Component]:
    """The components of a list; `room` counts down over all levels."""
    for entry in listed if isinstance(listed, list) and depth else ():
        name = _text(entry, "name")
        if not name or room[0] <= 0:
            continue
        room[0] -= 1
        kind = _text(entry, "type")
        yield Component(
            kind=cast(Kind, kind if kind in _KINDS else "library"),
            name=name,
            version=_text(entry, "version"),
            purl=_purl(_text(entry, "purl")),
            hashes=_hashes(entry.get("hashes"), "alg", "content"),
            licenses=_licenses(entry.get("licenses")),
            parts=tuple(_cyclonedx(entry.get("components"), room, depth - 1)),
        )


def _spdx(listed: Any) -> Iterator[Component]:
    for entry in listed[:_MOST] if isinstance(listed, list) else ():
        name = _text(entry, "name")
        if not name:
            continue
        references = entry.get("externalRefs")
        purls = (
            _purl(_text(reference, "referenceLocator"))
            for reference in (references if isinstance(references, list) else ())
            if _text(reference, "referenceType") == "purl"
        )
        said = _text(entry, "licenseConcluded"), _text(entry, "licenseDeclared")
        known = [text for text in said if text not in ("", "NOASSERTION", "NONE")]
        yield Component(
            kind="library",
            name=name,
            version=_text(entry, "versionInfo"),
            purl=next(filter(None, purls), ""),
            hashes=_hashes(entry.get("checksums"), "algorithm", "checksumValue"),
            licenses=tuple(map(_license, known[:1])),
        )


def _text(entry: Any, key: str) -> str:
    """A text of one line of an entry, cut where it has no end; empty for anything else."""
    found = entry.get(key) if isinstance(entry, Mapping) else None
    return " ".join(found.split())[:1000] if isinstance(found, str) else ""


def _purl(text: str) -> str:
    return text if _PURL.match(text) else ""


def _hashes(listed: Any, algorithm: str, content: str) -> tuple[tuple[str, str], ...]:
    found = {}
    for entry in listed if isinstance(listed, list) else ():
        name, text = _text(entry, algorithm).upper(), _text(entry, content).lower()
        name = name.replace("SHA", "SHA-") if name.startswith("SHA") and "-" not in name else name
        if len(text) == _LENGTHS.get(name, -1) and _HEX.match(text):
            found[name] = text
    return tuple(sorted(found.items()))


def _licenses(listed: Any) -> tuple[License, ...]:
    found = []
    for entry in listed if isinstance(listed, list) else ():
        inner = entry.get("license") if isinstance(entry, Mapping) else None
        text = _text(entry, "expression") or _text(inner, "id") or _text(inner, "name")
        if text:
            found.append(_license(text))
    return tuple(dict.fromkeys(found))


def _license(text: str) -> License:
    found = expression_of(text)
    return License(expression=found) if found else License(name=text[:100])
