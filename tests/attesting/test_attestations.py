"""Statements are attached as BuildKit and OCI 1.1 have it, in layouts and archives that others read."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from tinyimages import Made

from envbuild.attesting.attestations import Attested, Statement, attested
from envbuild.errors import UsageError
from envbuild.oci.archive import stream_archive, write_archive
from envbuild.oci.canonical import canonical_json
from envbuild.oci.image import make_image
from envbuild.oci.layout import write_layout
from envbuild.oci.reading import read_oci_archive, read_oci_layout
from envbuild.oci.types import Image

STATEMENTS = [
    Statement(predicate_type="https://slsa.dev/provenance/v1", predicate={"a": 1}),
    Statement(predicate_type="https://cyclonedx.org/bom", predicate={"bomFormat": "CycloneDX"}),
]


def image_of(made: Made) -> Image:
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {"x": "y"}},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in made.base.layers]},
        "history": [{"created_by": "test"}],
    }
    return make_image(canonical_json(config), made.base.layers, {"x": "y"})


@pytest.fixture
def image(made: Made) -> Image:
    return image_of(made)


@pytest.fixture
def whole(image: Image) -> Attested:
    return attested(image, STATEMENTS)


def check_manifest(raw: bytes, blobs: dict[str, bytes]) -> dict[str, Any]:
    """Every descriptor of a manifest names a blob that is there, with its size."""
    manifest: dict[str, Any] = json.loads(raw)
    for named in (manifest["config"], *manifest["layers"]):
        assert len(blobs[named["digest"]]) == named["size"]
    return manifest


def digests(*blobs: bytes) -> dict[str, bytes]:
    return {"sha256:" + hashlib.sha256(blob).hexdigest(): blob for blob in blobs}


def test_the_index_holds_the_image_and_buildkits_manifest_of_the_statements(image: Image, whole: Attested) -> None:
    index = json.loads(whole.index.content)
    first, second = index["manifests"]
    assert first["digest"] == image.manifest_digest
    assert first["platform"] == {"architecture": "amd64", "os": "linux"}
    assert second["platform"] == {"architecture": "unknown", "os": "unknown"}
    assert second["annotations"] == {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": image.manifest_digest,
    }
    (artifact,) = whole.index.artifacts
    assert second["digest"] == artifact.digest
    assert second["size"] == len(artifact.manifest)
    manifest = check_manifest(artifact.manifest, digests(*artifact.blobs))
    assert manifest["artifactType"] == "application/vnd.docker.attestation.manifest.v1+json"
    assert manifest["subject"]["digest"] == image.manifest_digest
    assert [layer["annotations"]["in-toto.io/predicate-type"] for layer in manifest["layers"]] == [
        statement.predicate_type for statement in STATEMENTS
    ]
    said = json.loads(digests(*artifact.blobs)[manifest["layers"][0]["digest"]])
    assert said["subject"][0]["digest"] == {"sha256": image.manifest_digest.removeprefix("sha256:")}
    assert said["predicate"] == {"a": 1}


def test_every_statement_is_a_referrer_of_the_image(image: Image, whole: Attested) -> None:
    assert len(whole.referrers) == 2
    for referrer, statement in zip(whole.referrers, STATEMENTS, strict=True):
        manifest = check_manifest(referrer.manifest, digests(*referrer.blobs))
        assert manifest["subject"] == {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": image.manifest_digest,
            "size": len(image.manifest),
        }
        assert manifest["artifactType"] == "application/vnd.in-toto+json"
        assert manifest["annotations"] == {"in-toto.io/predicate-type": statement.predicate_type}


def test_equal_inputs_give_equal_bytes(image: Image, whole: Attested) -> None:
    assert attested(image, STATEMENTS) == whole


def test_a_layout_and_an_archive_hold_all_of_it_and_are_read_as_the_image(
    made: Made, image: Image, whole: Attested, tmp_path: Path
) -> None:
    write_layout(whole.index, ["tiny:1"], made.store, tmp_path / "layout")
    write_archive(whole.index, ["tiny:1"], made.store, tmp_path / "a.tar", kind="oci")
    blobs = {path.name for path in (tmp_path / "layout/blobs/sha256").iterdir()}
    for blob in (tmp_path / "layout/blobs/sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    with tarfile.open(tmp_path / "a.tar") as tar:
        names = tar.getnames()
        assert {name.rpartition("/")[2] for name in names if name.startswith("blobs/sha256/")} == blobs
        docker = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
    assert docker[0]["Config"] == "blobs/sha256/" + image.config_digest.removeprefix("sha256:")
    for read, path in ((read_oci_layout, "layout"), (read_oci_archive, "a.tar")):
        found = read(tmp_path / path, made.store, platform="linux/amd64")
        assert found.manifest_digest == image.manifest_digest
        assert found.reference == "docker.io/library/tiny:1"


def test_a_tag_of_a_layout_moves_from_an_image_to_its_index_and_back(
    made: Made, image: Image, whole: Attested, tmp_path: Path
) -> None:
    for content, expected in (
        (image, image.manifest_digest),
        (whole.index, whole.index.digest),
        (image, image.manifest_digest),
    ):
        write_layout(content, ["tiny:1"], made.store, tmp_path / "layout")
        listed = json.loads((tmp_path / "layout/index.json").read_bytes())["manifests"]
        assert [entry["digest"] for entry in listed] == [expected]


def test_a_docker_archive_refuses_an_index(made: Made, whole: Attested, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds an image alone"):
        write_archive(whole.index, [], made.store, tmp_path / "a.tar", kind="docker")


def test_equal_archives_have_equal_bytes(made: Made, whole: Attested) -> None:
    one, other = (b"".join(stream_archive(whole.index, ["tiny:1"], made.store)) for _ in range(2))
    assert one == other


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
def test_skopeo_reads_the_image_and_copies_the_whole_index(made: Made, whole: Attested, tmp_path: Path) -> None:
    write_layout(whole.index, ["tiny:1"], made.store, tmp_path / "layout")
    write_archive(whole.index, ["tiny:1"], made.store, tmp_path / "a.tar", kind="oci")
    for source in (f"oci:{tmp_path}/layout:1", f"oci:{tmp_path}/layout", f"oci-archive:{tmp_path}/a.tar"):
        done = subprocess.run(["skopeo", "inspect", source], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["Labels"] == {"x": "y"}
    copy = ["skopeo", "copy", "--all", "--preserve-digests", f"oci:{tmp_path}/layout:1", f"oci:{tmp_path}/copy:1"]
    done = subprocess.run(copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads((tmp_path / "copy/index.json").read_bytes())["manifests"]
    assert entry["digest"] == whole.index.digest
