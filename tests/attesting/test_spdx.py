"""The same parts as SPDX, valid by the SPDX tools, the same for equal inputs."""

from __future__ import annotations

import json
from typing import Any

from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from tinyimages import ARCHIVE, LOCAL, PUBLIC, Made, built_from

from envbuild.attesting.inventory import planned_inventory
from envbuild.attesting.spdx import spdx


def document(made: Made, created: str = "") -> dict[str, Any]:
    given = planned_inventory(
        made.plan, lock=made.lock, base=made.base, store=made.store, fetch=made.fetch, created=created
    )
    return spdx(given)


def test_it_is_valid_and_names_the_parts(made: Made) -> None:
    found = document(made)
    assert [str(wrong) for wrong in validate_full_spdx_document(JsonLikeDictParser().parse(found))] == []
    packages = {package["name"]: package for package in found["packages"]}
    assert packages["alpha"]["licenseDeclared"] == "MIT OR Apache-2.0"
    assert packages["alpha"]["externalRefs"][0]["referenceLocator"] == "pkg:pypi/alpha@1.0"
    assert packages["alpha"]["checksums"] == [
        {"algorithm": "SHA256", "checksumValue": made.lock.packages[0].sha256},
    ]
    assert packages["zlib1g"]["licenseComments"].startswith("Zlib; ")
    assert packages["MLmodel"]["primaryPackagePurpose"] == "FILE"


def test_what_was_built_names_its_source(made: Made) -> None:
    made.lock = built_from(made.lock, ARCHIVE, PUBLIC, LOCAL)
    found = document(made)
    assert [str(wrong) for wrong in validate_full_spdx_document(JsonLikeDictParser().parse(found))] == []
    told = {package["name"]: package.get("sourceInfo", "") for package in found["packages"]}
    assert told["alpha"] == f"built from pkg:pypi/alpha@1.0?file_name=alpha-1.0.tar.gz SHA-256 {'e' * 64}"
    assert told["beta-lib"] == f"built from git+ssh://example.org/me/beta.git@{'f' * 40}#subdirectory=python"
    assert told["gamma"] == f"built from the commit {'d' * 40}"
    assert told["libc6"] == ""


def test_what_lies_inside_is_told_by_relationships(made: Made) -> None:
    found = document(made)
    names = {package["SPDXID"]: package["name"] for package in found["packages"]}
    held = {
        (names.get(one["spdxElementId"]), names[one["relatedSpdxElement"]])
        for one in found["relationships"]
        if one["relationshipType"] == "CONTAINS"
    }
    assert ("gamma", "openblas") in held
    assert ("MLflow model", "MLmodel") in held
    assert len(held) == len(found["packages"]) - 1


def test_equal_inputs_give_equal_bytes_and_the_time_is_a_given_one(made: Made) -> None:
    assert json.dumps(document(made)) == json.dumps(document(made))
    assert document(made)["creationInfo"]["created"] == "1980-01-01T00:00:00Z"
    later = document(made, created="2026-01-02T03:04:05Z")
    assert later["creationInfo"]["created"] == "2026-01-02T03:04:05Z"
    assert later["documentNamespace"] != document(made)["documentNamespace"]
