"""What is attached to an image tells of what its packages were built from, in the run that built them and after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tinyroad import Road

from envbuild import Options, build, load
from envbuild.attesting import cyclonedx, provenance
from envbuild.describing import Wanted


def statements(layout: Path) -> dict[str, Any]:
    """The predicates in an OCI layout, by their types."""
    read = [path.read_bytes() for path in (layout / "blobs" / "sha256").iterdir()]
    found = [json.loads(data) for data in read if data.startswith(b'{"_type"')]
    return {one["predicateType"]: one["predicate"] for one in found}


@pytest.mark.slow
def test_the_archive_is_named_with_its_hash_also_where_nothing_is_built_any_more(road: Road, options: Options) -> None:
    told = []
    for number in range(2):
        layout = road.folder / f"layout{number}"
        attach = Wanted(sbom=True, provenance=True)
        build(load(road.model), tags=["tiny"], options=options, output=f"oci-dir={layout}", attach=attach)
        told.append(statements(layout))
    assert told[0] == told[1]
    (component,) = [one for one in told[0][cyclonedx.PREDICATE]["components"] if one["name"] == "only-source"]
    (reference,) = component["externalReferences"]
    assert reference["url"] == "pkg:pypi/only-source@1.0?file_name=only_source-1.0.tar.gz"
    definition = told[0][provenance.PREDICATE]["buildDefinition"]
    names = {one["name"]: one["digest"] for one in definition["resolvedDependencies"]}
    assert names["only_source-1.0.tar.gz"] == {"sha256": reference["hashes"][0]["content"]}
    assert "only_source-1.0-py3-none-any.whl" in names
