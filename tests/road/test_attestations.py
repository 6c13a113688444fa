"""An image with its bills of materials and its provenance: written, read by others, and the image still the same."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tinyroad import Road


def write(road: Road, name: str, *arguments: str, **changes: str) -> tuple[dict[str, Any], Path]:
    """Build into the layout `name`; what --json says, and its folder."""
    path = road.folder / name
    done = road.image("--json", "--output", f"oci-dir={path}", *arguments, **changes)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), path


def blob(layout: Path, entry: dict[str, Any]) -> Any:
    data = (layout / "blobs/sha256" / entry["digest"].removeprefix("sha256:")).read_bytes()
    assert "sha256:" + hashlib.sha256(data).hexdigest() == entry["digest"]
    assert len(data) == entry["size"]
    return json.loads(data)


def statements(layout: Path) -> dict[str, Any]:
    """The predicates of all statements by their types."""
    (entry,) = blob_list(json.loads((layout / "index.json").read_bytes()))
    index = blob(layout, entry)
    (attestation,) = [e for e in index["manifests"] if e["platform"]["os"] == "unknown"]
    found = [blob(layout, layer) for layer in blob(layout, attestation)["layers"]]
    return {one["predicateType"]: one["predicate"] for one in found}


def blob_list(index: dict[str, Any]) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = index["manifests"]
    return listed


def test_the_image_is_the_same_with_and_without_what_is_attached(road: Road) -> None:
    plain, _ = write(road, "plain")
    built, layout = write(road, "attested", "--sbom", "--provenance")
    assert built["manifest_digest"] == plain["manifest_digest"]
    assert built["config_digest"] == plain["config_digest"]
    assert plain["index_digest"] is None
    (entry,) = blob_list(json.loads((layout / "index.json").read_bytes()))
    assert entry["digest"] == built["index_digest"]
    assert set(statements(layout)) == {
        "https://cyclonedx.org/bom",
        "https://spdx.dev/Document",
        "https://slsa.dev/provenance/v1",
    }


def test_what_is_attached_names_the_packages_and_the_files_of_the_model(road: Road) -> None:
    found = statements(write(road, "attested", "--sbom", "--provenance")[1])
    components = {one["name"]: one for one in found["https://cyclonedx.org/bom"]["components"]}
    assert components["tiny-loader"]["purl"] == "pkg:pypi/tiny-loader@1.0"
    weights = hashlib.sha256((road.model / "weights.bin").read_bytes()).hexdigest()
    model = {part["name"]: part for part in components["MLflow model"]["components"]}
    assert model["weights.bin"]["hashes"] == [{"alg": "SHA-256", "content": weights}]
    definition = found["https://slsa.dev/provenance/v1"]["buildDefinition"]
    assert definition["externalParameters"]["server"] == "envbuild"
    assert definition["externalParameters"]["base"] == "oci"
    assert {"name": "model/weights.bin", "digest": {"sha256": weights}} in definition["resolvedDependencies"]


@pytest.mark.slow
def test_another_cache_and_another_folder_give_the_same_bytes(road: Road, tmp_path: Path) -> None:
    one, _ = write(road, "one", "--sbom", "--provenance")
    elsewhere = shutil.copytree(road.model, tmp_path / "elsewhere")
    road.model = elsewhere
    two, layout = write(
        road, "two", "--sbom", "--provenance", ENVBUILD_CACHE_DIR=str(tmp_path / "other"), TZ="Asia/Tokyo"
    )
    assert two["index_digest"] == one["index_digest"]
    assert str(road.folder) not in json.dumps(statements(layout))


@pytest.mark.slow
def test_the_time_is_the_one_that_was_given(road: Road) -> None:
    found = statements(write(road, "dated", "--sbom", "--provenance", SOURCE_DATE_EPOCH="1767323045")[1])
    assert found["https://cyclonedx.org/bom"]["metadata"]["timestamp"] == "2026-01-02T03:04:05Z"
    assert found["https://slsa.dev/provenance/v1"]["runDetails"]["metadata"]["finishedOn"] == "2026-01-02T03:04:05Z"


@pytest.mark.slow
def test_one_of_the_two_alone(road: Road) -> None:
    assert set(statements(write(road, "p", "--provenance")[1])) == {"https://slsa.dev/provenance/v1"}
    assert set(statements(write(road, "s", "--sbom")[1])) == {"https://cyclonedx.org/bom", "https://spdx.dev/Document"}


@pytest.mark.parametrize(
    ("output", "options", "said"),
    [
        ("docker-archive=out.tar", ("--sbom",), "--sbom: the image becomes an index"),
        ("docker-archive=out.tar", ("--sbom", "--provenance"), "--sbom and --provenance: the image becomes an index"),
    ],
)
def test_what_takes_an_image_alone_refuses_with_a_reason(
    road: Road, output: str, options: tuple[str, ...], said: str
) -> None:
    done = road.image("--output", output, *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert "oci-dir=PATH" in done.stderr
    assert not (road.folder / "out.tar").exists()


@pytest.mark.engine
def test_an_engine_refuses_with_a_reason(road: Road) -> None:
    done = road.image("--output", "docker", "--sbom")
    assert done.returncode == 2
    assert "a container engine takes an image alone" in done.stderr


@pytest.mark.registry
def test_skopeo_reads_an_attested_archive_as_the_image(road: Road) -> None:
    done = road.image("--sbom", "--provenance", name="a.tar")
    assert done.returncode == 0, done.stderr
    read: Callable[..., Any] = subprocess.run
    seen = read(["skopeo", "inspect", f"oci-archive:{road.folder}/a.tar"], capture_output=True, text=True, check=True)
    assert json.loads(seen.stdout)["Labels"]["dev.envbuild.server"] == "envbuild"
    raw = json.loads(
        read(["skopeo", "inspect", "--raw", f"oci-archive:{road.folder}/a.tar"], capture_output=True, check=True).stdout
    )
    assert [entry["platform"]["os"] for entry in raw["manifests"]] == ["linux", "unknown"]


@pytest.mark.engine
def test_the_machines_engine_loads_an_attested_archive_as_the_image(road: Road) -> None:
    tag = "envbuild-test/attested:latest"
    done = road.image("--json", "--sbom", "--provenance", "-t", tag, name="a.tar")
    assert done.returncode == 0, done.stderr
    try:
        loaded = subprocess.run(
            ["docker", "load", "-i", str(road.folder / "a.tar")], capture_output=True, text=True, check=False
        )
        assert loaded.returncode == 0, loaded.stderr
        found = subprocess.run(["docker", "inspect", "-f", "{{.Id}}", tag], capture_output=True, text=True, check=True)
        assert found.stdout.strip() == json.loads(done.stdout)["config_digest"]
    finally:
        subprocess.run(["docker", "rmi", tag, "tiny:latest"], capture_output=True, check=False)
