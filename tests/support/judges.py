"""The judges of documents that others read: each format's own library, with its schema."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any


@functools.cache
def _validator() -> Any:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    return JsonStrictValidator(SchemaVersion.V1_6)


def check_cyclonedx(document: Any) -> None:
    """Hold a document against CycloneDX's own schema, and its package URLs against the purl library.

    What lies inside of a component was written by others, and need be a package URL only.
    """
    from packageurl import PackageURL

    wrong = _validator().validate_str(json.dumps(document))
    assert wrong is None, wrong
    for component in document["components"]:
        assert PackageURL.from_string(component.get("purl", "pkg:a/b")).to_string() == component.get("purl", "pkg:a/b")
        for text in _purls(component.get("components", ())):
            PackageURL.from_string(text)


def _purls(components: Sequence[Mapping[str, Any]]) -> list[str]:
    inner = [text for one in components for text in _purls(one.get("components", ()))]
    return [*(one["purl"] for one in components if "purl" in one), *inner]
