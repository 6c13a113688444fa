"""What a build knows of a tiny image, and the judges of the formats."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import tinyimages
from tinyimages import Made


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return tinyimages.make(tmp_path)


@pytest.fixture(scope="session")
def check_cyclonedx() -> Callable[[Any], None]:
    """Hold a document against CycloneDX's own schema, and its package URLs against the purl library."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from packageurl import PackageURL

    validator = JsonStrictValidator(SchemaVersion.V1_6)

    def purls(components: Sequence[Mapping[str, Any]]) -> list[str]:
        inner = [text for one in components for text in purls(one.get("components", ()))]
        return [*(one["purl"] for one in components if "purl" in one), *inner]

    def check(document: Any) -> None:
        wrong = validator.validate_str(json.dumps(document))
        assert wrong is None, wrong
        for text in purls(document["components"]):
            assert PackageURL.from_string(text).to_string() == text

    return check
