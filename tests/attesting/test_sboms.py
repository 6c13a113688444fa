"""SBOMs inside wheels are input: what is sound in them is kept, and the whole stays valid."""

from __future__ import annotations

import json
from typing import Any

import pytest
from judges import check_cyclonedx

from envbuild.attesting.cyclonedx import cyclonedx
from envbuild.attesting.sboms import read_sbom
from envbuild.attesting.types import Component, Inventory, License


def test_spdx_packages_become_components() -> None:
    document = {
        "spdxVersion": "SPDX-2.3",
        "packages": [
            {
                "name": "zlib",
                "versionInfo": "1.3",
                "licenseConcluded": "NOASSERTION",
                "licenseDeclared": "Zlib",
                "checksums": [{"algorithm": "SHA256", "checksumValue": "A" * 64}],
                "externalRefs": [
                    {"referenceType": "cpe23Type", "referenceLocator": "cpe:x"},
                    {"referenceType": "purl", "referenceLocator": "pkg:generic/zlib@1.3"},
                ],
            }
        ],
    }
    assert read_sbom(json.dumps(document).encode()) == (
        Component(
            kind="library",
            name="zlib",
            version="1.3",
            purl="pkg:generic/zlib@1.3",
            hashes=(("SHA-256", "a" * 64),),
            licenses=(License(expression="Zlib"),),
        ),
    )


@pytest.mark.parametrize("data", [b"", b"<bom/>", b"[]", b"{}", b"[" * 100_000, b"\xff\xfe", b'{"bomFormat": "x"}'])
def test_what_cannot_be_read_is_none(data: bytes) -> None:
    assert read_sbom(data) is None


HOSTILE: list[Any] = [
    None,
    "x",
    {"name": ""},
    {"name": 3},
    {"name": "a", "type": "no-such", "version": ["1"], "purl": "javascript:x", "hashes": [{"alg": "SHA-256"}, 3]},
    {"name": "b", "hashes": [{"alg": "SHA-256", "content": "zz"}, {"alg": "MD5", "content": "0" * 32}]},
    {"name": "c", "licenses": [{"license": {"id": "No-Such"}}, {"license": 3}, {"expression": "MIT"}, None]},
    {"name": "d\nwith\x00control", "bom-ref": "image", "components": [{"name": "inner", "components": "x"}]},
    {"name": "e", "purl": "pkg:pypi/e@1 2"},
]


def test_a_hostile_sbom_leaves_a_valid_document() -> None:
    found = read_sbom(json.dumps({"bomFormat": "CycloneDX", "components": HOSTILE}).encode())
    assert found is not None
    assert [part.name for part in found] == ["a", "b", "c", "d with\x00control", "e"]
    holder = Component(kind="library", name="wheel", parts=found)
    check_cyclonedx(cyclonedx(Inventory(image=Component(kind="container", name="image"), components=(holder,))))


def test_depth_and_number_have_an_end() -> None:
    inner: dict[str, Any] = {"name": "x"}
    for _ in range(50):
        inner = {"name": "x", "components": [inner]}
    many = [{"name": str(number)} for number in range(20_000)]
    found = read_sbom(json.dumps({"bomFormat": "CycloneDX", "components": [inner, *many]}).encode())
    assert found is not None
    depth, part = 0, found[0]
    while part.parts:
        depth, part = depth + 1, part.parts[0]
    assert depth < 10
    assert len(found) <= 5000
