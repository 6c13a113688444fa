"""The bill of materials is complete, valid by CycloneDX's own schema, and the same for equal inputs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from judges import check_cyclonedx
from tinyimages import ARCHIVE, LOCAL, PRIVATE, PUBLIC, Made, built_from, locked
from tinywheels import make_wheel

from envbuild.attesting.cyclonedx import cyclonedx
from envbuild.attesting.inventory import planned_inventory
from envbuild.attesting.types import Component, Inventory, License


def inventory_of(made: Made, **changes: Any) -> Inventory:
    given = {"lock": made.lock, "base": made.base, "store": made.store, "fetch": made.fetch}
    return planned_inventory(made.plan, **{**given, **changes})


def by_name(document: Any) -> dict[str, Any]:
    return {component["name"]: component for component in document["components"]}


def test_it_names_packages_base_and_model_with_hashes_and_licenses(made: Made) -> None:
    document = cyclonedx(inventory_of(made))
    check_cyclonedx(document)
    found = by_name(document)
    wheel = made.lock.packages[0]
    assert found["alpha"]["purl"] == "pkg:pypi/alpha@1.0"
    assert found["alpha"]["hashes"] == [{"alg": "SHA-256", "content": wheel.sha256}]
    assert found["alpha"]["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert found["beta-lib"]["licenses"] == [{"expression": "BSD-3-Clause"}]
    assert found["libc6"]["purl"] == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12"
    assert found["libc6"]["hashes"] == [{"alg": "SHA-256", "content": "c" * 64}]
    assert found["debian"] == {
        "type": "operating-system",
        "bom-ref": "operating-system:debian@12",
        "name": "debian",
        "version": "12",
    }
    assert found["debian:bookworm"]["hashes"] == [{"alg": "SHA-256", "content": "b" * 64}]
    model = found["MLflow model"]
    assert (model["type"], model["version"]) == ("machine-learning-model", "m-1")
    assert [part["name"] for part in model["components"]] == ["MLmodel", "big.bin"]
    assert all(len(part["hashes"][0]["content"]) == 64 for part in model["components"])
    lock = {"name": "dev.envbuild.lock", "value": made.lock.digest}
    assert lock in document["metadata"]["component"]["properties"]


def test_what_was_built_names_its_source_and_no_index_and_no_machine(made: Made) -> None:
    first = cyclonedx(inventory_of(made))
    document = cyclonedx(inventory_of(made, lock=built_from(made.lock, ARCHIVE, PUBLIC, LOCAL)))
    check_cyclonedx(document)
    found = by_name(document)
    assert found["alpha"]["externalReferences"] == [
        {
            "type": "source-distribution",
            "url": "pkg:pypi/alpha@1.0?file_name=alpha-1.0.tar.gz",
            "hashes": [{"alg": "SHA-256", "content": "e" * 64}],
        }
    ]
    address = f"git+ssh://example.org/me/beta.git@{'f' * 40}#subdirectory=python"
    assert found["beta-lib"]["externalReferences"] == [{"type": "vcs", "url": address}]
    assert found["beta-lib"]["pedigree"] == {"commits": [{"uid": "f" * 40}]}
    assert found["gamma"]["pedigree"] == {"commits": [{"uid": "d" * 40}]}
    assert "externalReferences" not in found["gamma"]
    # The wheels are the same, and what was built from nothing says nothing, though it was remembered meanwhile.
    assert found["alpha"]["hashes"] == by_name(first)["alpha"]["hashes"]
    assert cyclonedx(inventory_of(made)) == first
    private = cyclonedx(inventory_of(made, lock=built_from(made.lock, ARCHIVE, PRIVATE)))
    text = json.dumps([document, private])
    assert not [word for word in ("somebody", "secret", "index.example", "10.0.0.7", "//git@") if word in text]


def test_debian_licenses_come_from_the_copyright_file_through_a_link(made: Made) -> None:
    found = by_name(cyclonedx(inventory_of(made)))
    assert found["zlib1g"]["licenses"][0] == {"license": {"id": "Zlib"}}
    assert found["libc6"]["licenses"] == found["zlib1g"]["licenses"]


def test_what_an_sbom_inside_a_wheel_names_lies_inside_of_its_package(made: Made) -> None:
    (part,) = by_name(cyclonedx(inventory_of(made)))["gamma"]["components"]
    assert (part["name"], part["version"], part["purl"]) == ("openblas", "0.3", "pkg:rpm/openblas@0.3")


def test_a_wheel_of_many_sboms_is_read_up_to_a_number_and_its_metadata_in_any_case(made: Made, tmp_path: Path) -> None:
    bom = json.dumps({"bomFormat": "CycloneDX", "components": [{"name": "part"}]})
    files = {f"many-1.0.dist-info/sboms/{number:02}.json": bom for number in range(40)}
    path = make_wheel(tmp_path, "many", files=files, headers=["License: MIT"])
    package = locked(path)
    made.store.put(path.read_bytes())
    (found,) = [
        one for one in inventory_of(made, lock=replace(made.lock, packages=(package,))).components if one.name == "many"
    ]
    assert found.licenses == (License(expression="MIT"),)
    assert found.parts == (Component(kind="library", name="part"),)
    assert ("dev.envbuild:unread-sboms", "24") in found.properties


def test_equal_inputs_give_equal_bytes_and_other_inputs_another_serial_number(made: Made) -> None:
    one, other = (cyclonedx(inventory_of(made)) for _ in range(2))
    assert json.dumps(one) == json.dumps(other)
    assert one["serialNumber"].startswith("urn:uuid:")
    shorter = cyclonedx(inventory_of(made, lock=replace(made.lock, packages=made.lock.packages[:1])))
    assert shorter["serialNumber"] != one["serialNumber"]


def test_there_is_no_time_but_a_given_one_and_no_path_or_address(made: Made) -> None:
    text = json.dumps(cyclonedx(inventory_of(made)))
    assert not [word for word in ("timestamp", "somebody", "secret", "index.example") if word in text]
    document = cyclonedx(inventory_of(made, created="2026-01-02T03:04:05Z"))
    assert document["metadata"]["timestamp"] == "2026-01-02T03:04:05Z"
    check_cyclonedx(document)


def test_wheels_are_fetched_once_and_then_remembered(made: Made) -> None:
    first = inventory_of(made)
    assert sorted(made.fetched) == sorted(made.wheels)
    for sha256 in made.wheels:
        made.store.blob(f"sha256:{sha256}").unlink()
    assert inventory_of(made) == first
    assert len(made.fetched) == 3


@pytest.mark.parametrize("executable, listed", [("/usr/local/bin/python3.11", True), ("/usr/bin/python3.11", False)])
def test_a_python_that_no_package_brings_is_named(made: Made, executable: str, listed: bool) -> None:
    base = replace(made.base, interpreter=replace(made.base.interpreter, executable=executable))
    found = by_name(cyclonedx(inventory_of(made, base=base)))
    assert ("python" in found) is listed
    if listed:
        assert found["python"]["purl"] == "pkg:generic/python@3.11.2"


def test_a_base_of_a_registry_has_its_package_url(made: Made) -> None:
    base = replace(made.base, name="docker.io/library/python:3.11-slim", registry=True, assembled=False)
    document = cyclonedx(inventory_of(made, base=base))
    check_cyclonedx(document)
    assert by_name(document)["debian:bookworm"]["purl"] == (
        f"pkg:oci/python@{base.digest}?repository_url=docker.io/library/python&tag=3.11-slim"
    )


def test_components_of_one_name_have_names_of_their_own_in_the_document() -> None:
    twin = Component(
        kind="library",
        name="a",
        licenses=(License(expression="MIT"), License(name="Other"), License(expression="Apache-1.0+")),
    )
    parts = (twin, replace(twin, properties=(("x", "y"),)), Component(kind="library", name="a#2"))
    document = cyclonedx(Inventory(image=Component(kind="container", name="image"), components=parts))
    check_cyclonedx(document)
    references = [component["bom-ref"] for component in document["components"]]
    assert len(set(references)) == 3
    assert document["dependencies"] == [{"ref": "image", "dependsOn": references}]
    assert document["components"][0]["licenses"] == [
        {"license": {"id": "MIT"}},
        {"license": {"name": "Other"}},
        {"license": {"name": "Apache-1.0+"}},
    ]
