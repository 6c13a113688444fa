"""Images are looked at where they really lie: in a registry, with what was pushed beside them, and in an engine."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from judges import check_cyclonedx
from registry import registry
from tinyroad import Road

from envbuild.looking import look
from envbuild.oci.store import Store

QUIET = {"DOCKER_HOST": "tcp://127.0.0.1:1"}


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with registry(tmp_path / "registry") as address:
        yield address


def push(road: Road, name: str, *arguments: str) -> dict[str, Any]:
    """Push the model's image; what --json says of it."""
    base = ["--base", f"oci:{road.base}", "--server", "envbuild", "--bytecode", "off"]
    done = road.run("image", str(road.model), "-t", name, "--push", "--json", *base, *arguments, **QUIET)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def told(road: Road, *words: str, code: int = 0, cache: str = "other", **changes: str) -> tuple[Any, str]:
    """The JSON that a command prints, and what it says on stderr; with a cache that knows nothing of the build."""
    done = road.run(*words, ENVBUILD_CACHE_DIR=str(road.folder / cache), **{**QUIET, **changes})
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout), done.stderr


def blobs(road: Road) -> list[Path]:
    return list((road.folder / "other" / "store" / "blobs").rglob("*"))


@pytest.mark.registry
def test_an_attested_image_of_a_registry_is_told_without_fetching_a_layer(road: Road, address: str) -> None:
    name = f"{address}/team/tiny:1"
    built = push(road, name, "--sbom", "--provenance")
    found, _ = told(road, "inspect", name, "--json")
    assert found["digests"]["config"] == built["config_digest"]
    assert found["server"] == "envbuild"
    assert {"kind": "python", "name": "tiny-loader", "version": "1.0"} in found["packages"]
    assert sorted(found["attestations"]) == [
        "https://cyclonedx.org/bom",
        "https://slsa.dev/provenance/v1",
        "https://spdx.dev/Document",
    ]
    document, said = told(road, "sbom", f"docker://{name}")
    assert said == ""
    check_cyclonedx(document)
    assert blobs(road) == []


@pytest.mark.registry
@pytest.mark.slow
def test_packages_of_a_plain_image_are_fetched_only_when_asked_for(road: Road, address: str) -> None:
    name = f"{address}/team/tiny:1"
    push(road, name)
    found, _ = told(road, "inspect", name, "--json")
    assert found["packages"] is None
    assert blobs(road) == []
    found, said = told(road, "inspect", name, "--json", "--packages")
    assert said.count("Fetched") == len(found["layers"])
    assert {"kind": "python", "name": "tiny-loader", "version": "1.0"} in found["packages"]
    document, said = told(road, "sbom", name)
    assert "none is attached" in said
    assert "Fetched" not in said
    assert told(road, "sbom", name, "--quiet") == (document, "")
    weights = hashlib.sha256((road.model / "weights.bin").read_bytes()).hexdigest()
    (model,) = [one for one in document["components"] if one["type"] == "machine-learning-model"]
    assert weights in {part["hashes"][0]["content"] for part in model["components"]}


@pytest.mark.registry
def test_what_refers_to_a_plain_image_is_found_too(road: Road, address: str) -> None:
    """The index is not needed: the image by its own digest has the statements as its referrers."""
    name = f"{address}/team/tiny"
    push(road, f"{name}:1", "--sbom")
    index, _ = told(road, "inspect", f"{name}:1", "--json")
    alone, _ = told(road, "inspect", f"{name}@{index['digests']['manifest']}", "--json")
    assert alone["digests"]["index"] is None
    assert sorted(alone["attestations"]) == ["https://cyclonedx.org/bom", "https://spdx.dev/Document"]


@pytest.mark.registry
def test_layers_that_a_second_machine_uses_unseen_stand_in_the_provenance(road: Road, address: str) -> None:
    name = f"{address}/team/tiny:1"
    push(road, name, "--provenance")
    (road.model / "weights.bin").write_bytes(b"other weights")
    road.environment["ENVBUILD_CACHE_DIR"] = str(road.folder / "elsewhere")
    built = push(road, name, "--provenance")
    unseen = {f"layer: {layer['title']}": layer["diff_id"] for layer in built["layers"] if layer["unseen"]}
    assert unseen
    with look(name, Store(road.folder / "store")) as opened:
        (statement,) = opened.statements
        digests = {layer.digest.removeprefix("sha256:") for layer in opened.layers}
    found = statement.predicate["buildDefinition"]["resolvedDependencies"]
    told = [one for one in found if one.get("annotations", {}).get("dev.envbuild.unseen")]
    assert {one["name"]: one["annotations"]["dev.envbuild.diff-id"] for one in told} == unseen
    assert {one["digest"]["sha256"] for one in told} <= digests


@pytest.mark.registry
def test_two_images_of_a_registry_are_compared(road: Road, address: str) -> None:
    one, other = (f"{address}/team/tiny:{tag}" for tag in (1, 2))
    push(road, one)
    (road.model / "weights.bin").write_bytes(b"other weights")
    push(road, other)
    found, _ = told(road, "diff", one, other, "--json", code=1)
    changed = {change["name"].rpartition("/")[2]: change["how"] for change in found["files"]}
    assert changed == {"weights.bin": "changed", "build.json": "changed"}
    assert found["packages"] == []
    assert found["layers"]["a"] == found["layers"]["b"] == 2


@pytest.mark.registry
def test_what_a_registry_does_not_have_is_told(road: Road, address: str) -> None:
    done = road.run("inspect", f"{address}/team/none:1", **QUIET)
    assert (done.returncode, done.stdout) == (5, "")
    assert f"no container engine answers, and in the registry: {address}" in done.stderr
    assert "base" not in done.stderr
    assert "engine" not in road.run("inspect", f"docker://{address}/team/none:1", **QUIET).stderr


@pytest.mark.engine
def test_an_image_of_the_engine_is_the_one_that_was_written(road: Road) -> None:
    tag = f"envbuild-test/looking-{road.folder.name.lower()}:latest"
    archive = road.folder / "a.tar"
    assert road.image("-t", tag, name="a.tar").returncode == 0
    subprocess.run(["docker", "load", "--input", str(archive)], capture_output=True, check=True)
    try:
        engine, _ = told(road, "inspect", tag, "--json", DOCKER_HOST="unix:///var/run/docker.sock")
        file, _ = told(road, "inspect", str(archive), "--json")
        assert engine["digests"]["config"] == file["digests"]["config"]
        assert engine["packages"] == file["packages"]
        same, _ = told(
            road, "diff", f"docker-daemon:{tag}", str(archive), "--json", DOCKER_HOST="unix:///var/run/docker.sock"
        )
        assert same["same"] is True
    finally:
        subprocess.run(["docker", "rmi", tag, "tiny:latest"], capture_output=True, check=False)


@pytest.mark.engine
def test_an_image_that_the_engine_has_not_is_told(road: Road) -> None:
    done = road.run("inspect", "docker-daemon:envbuild-test/none:1")
    assert done.returncode == 9
    assert "has no image envbuild-test/none:1" in done.stderr
