"""Several platforms in one call: an index of the very images that a build for each of them makes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from registry import registry
from tinyroad import Road, add_base

BOTH = "linux/amd64,linux/arm64"


@pytest.fixture(autouse=True)
def base_of_both(road: Road) -> None:
    """One layout with a tiny base for each platform."""
    add_base(road.base, road.folder / "base-arm64", architecture="arm64")


def build(road: Road, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    base = ["--base", f"oci:{road.base}", "--server", "envbuild", "--bytecode", "off"]
    settings = {"DOCKER_CONFIG": str(road.folder / "docker"), "DOCKER_HOST": "tcp://127.0.0.1:1", **changes}
    return road.run("image", str(road.model), *base, *arguments, **settings)


def built(road: Road, *arguments: str, **changes: str) -> dict[str, Any]:
    """The JSON of a build that must go well."""
    done = build(road, "--json", *arguments, **changes)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def skopeo(*arguments: str) -> Any:
    done = subprocess.run(["skopeo", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.startswith(("{", "[")) else done.stdout


def single(road: Road, platform: str) -> str:
    out = road.folder / platform.replace("/", "-")
    return str(built(road, "--platform", platform, "--output", f"oci-dir={out}")["config_digest"])


@pytest.mark.registry
def test_a_layout_holds_the_images_of_all(road: Road) -> None:
    out = road.folder / "out"
    found = built(road, "-t", "tiny:1", "--platform", BOTH, "--output", f"oci-dir={out}")
    assert [image["platform"] for image in found["images"]] == ["linux/amd64", "linux/arm64"]
    for image in found["images"]:
        architecture = image["platform"].partition("/")[2]
        config = skopeo("--override-arch", architecture, "inspect", "--config", f"oci:{out}:1")
        assert config["architecture"] == architecture
        assert image["config_digest"] == single(road, image["platform"])


@pytest.mark.registry
def test_so_does_an_archive_and_the_line_tells_the_index(road: Road) -> None:
    out = road.folder / "out.tar"
    done = build(road, "-t", "tiny:1", "--platform", f"arm64,{BOTH}", "--output", f"oci-archive={out}")
    assert done.returncode == 0, done.stderr
    raw = skopeo("inspect", "--raw", f"oci-archive:{out}")
    platforms = [entry["platform"]["architecture"] for entry in raw["manifests"]]
    assert platforms == ["arm64", "amd64"]
    assert "layer of linux/arm64" in done.stderr
    reference, digest = done.stdout.split()
    assert reference == f"oci-archive:{out}"
    assert digest.startswith("sha256:")


@pytest.mark.registry
@pytest.mark.slow
def test_a_registry_gives_each_machine_its_own(road: Road, tmp_path: Path) -> None:
    with registry(tmp_path / "registry") as address:
        name = f"{address}/team/tiny:1"
        found = built(road, "-t", name, "--platform", BOTH, "--push", "--sbom")
        raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{name}")
        images = [e["platform"]["architecture"] for e in raw["manifests"] if e["platform"]["os"] == "linux"]
        assert images == ["amd64", "arm64"]
        assert len(raw["manifests"]) == 4
        for image in found["images"]:
            architecture = image["platform"].partition("/")[2]
            target = f"oci:{tmp_path / architecture}:1"
            skopeo("--override-arch", architecture, "copy", "--src-tls-verify=false", f"docker://{name}", target)
            assert skopeo("inspect", "--config", target)["architecture"] == architecture
        # What both have lies there once.
        shared = {layer["diff_id"] for layer in found["images"][0]["layers"]}
        shared &= {layer["diff_id"] for layer in found["images"][1]["layers"]}
        assert shared
        again = built(road, "-t", name, "--platform", BOTH, "--push", "--sbom")
        assert again["pushed"]["sent"] == 0
        assert again["pushed"]["manifest_digest"] == found["pushed"]["manifest_digest"]
        # A machine with an empty cache takes the layers of packages of each platform from there.
        other = built(road, "-t", name, "--platform", BOTH, "--push", ENVBUILD_CACHE_DIR=str(tmp_path / "elsewhere"))
        for image in other["images"]:
            assert any(layer["unseen"] for layer in image["layers"]), image["platform"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-t", "tiny"), "an image for one alone"),
        (("-t", "tiny", "--output", "docker"), "an image for one alone"),
        (("-t", "tiny", "--output", "docker-archive=x.tar"), "a Docker archive takes an image for one alone"),
        (("--output", "oci-dir=out", "--test"), "--test runs an image for one alone"),
        (("-t", "tiny", "--backend", "docker"), "--backend docker builds an image for one alone"),
        (("--output", "oci-dir=out", "--platform", "linux/amd64,windows"), "windows"),
    ],
)
def test_what_takes_one_image_refuses_several(road: Road, arguments: tuple[str, ...], words: str) -> None:
    done = build(road, "--platform", BOTH, *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["lint", "plan", "lock"])
def test_other_commands_look_at_one(road: Road, command: str) -> None:
    more = ["-o", "out"] if command == "lock" else []
    done = road.run(command, str(road.model), "--platform", BOTH, *more)
    assert done.returncode == 2
    assert "`envbuild image` alone" in done.stderr
