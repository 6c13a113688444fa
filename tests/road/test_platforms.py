"""The platform goes the whole road: rules, base, lock, plan and image are for it, and share what it does not change."""

from __future__ import annotations

import json
import secrets
import subprocess
from pathlib import Path
from platform import machine
from typing import Any

import pytest
from tinyroad import Road, write_base


@pytest.fixture
def bases(road: Road) -> dict[str, Path]:
    """A tiny base for each platform."""
    found = {"linux/amd64": road.base, "linux/arm64": road.folder / "base-arm64"}
    write_base(found["linux/arm64"], architecture="arm64")
    return found


@pytest.fixture
def foreign(bases: dict[str, Path], road: Road) -> str:
    """The platform that this machine is not, with its base on the road."""
    found = "linux/amd64" if machine() == "aarch64" else "linux/arm64"
    road.base = bases[found]
    return found


def built(road: Road, bases: dict[str, Path], platform: str, spelled: str = "") -> tuple[dict[str, Any], Any]:
    """The JSON result of a build, and the image's config."""
    road.base = bases[platform]
    out = road.folder / platform.replace("/", "-")
    done = road.image("--json", "--platform", spelled or platform, "--output", f"oci-dir={out}")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    return result, json.loads((out / "blobs" / result["config_digest"].replace(":", "/")).read_text())


def test_the_image_is_for_the_platform_that_was_asked_for(road: Road, bases: dict[str, Path]) -> None:
    arm, config = built(road, bases, "linux/arm64", "linux/aarch64")
    assert (config["os"], config["architecture"], config["variant"]) == ("linux", "arm64", "v8")
    assert arm["platform"] == "linux/arm64"
    assert {"what": "platform", "value": "linux/arm64", "why": "--platform"} in arm["decisions"]
    amd, config = built(road, bases, "linux/amd64")
    assert (config["architecture"], "variant" in config) == ("amd64", False)
    assert amd["platform"] == "linux/amd64"
    assert built(road, bases, "linux/arm64", "linux/arm64/v8")[0]["config_digest"] == arm["config_digest"]


def test_each_platform_has_a_lock_of_its_own_and_shares_the_layers_for_any_machine(
    road: Road, bases: dict[str, Path]
) -> None:
    first, _ = built(road, bases, "linux/amd64")
    second, _ = built(road, bases, "linux/arm64")
    assert first["config_digest"] != second["config_digest"]
    locks = [json.loads(path.read_text()) for path in road.cache.glob("locks/*/lock.json")]
    assert sorted(lock["platform"] for lock in locks) == ["manylinux_2_36_aarch64", "manylinux_2_36_x86_64"]
    # The tiny wheels are for any machine: nothing but the base and the record is another for the second platform.
    assert [layer["kind"] for layer in second["layers"] if not layer["cached"]] == ["base", "record"]
    shared = {layer["diff_id"] for layer in first["layers"]} & {layer["diff_id"] for layer in second["layers"]}
    assert len(shared) == len(first["layers"]) - 2


@pytest.mark.parametrize("command", ["plan", "lock", "lint"])
def test_what_builds_nothing_is_asked_about_the_platform_too(road: Road, bases: dict[str, Path], command: str) -> None:
    base = ["--base", f"oci:{bases['linux/arm64']}", "--server", "envbuild", "--platform", "arm64"]
    more = {"plan": ["--json"], "lock": ["-o", str(road.folder / "lock")], "lint": ["--resolve"]}[command]
    done = road.run(command, str(road.model), *base, *more)
    assert done.returncode == 0, done.stderr
    (lock,) = road.cache.glob("locks/*/lock.json")
    assert json.loads(lock.read_text())["platform"] == "manylinux_2_36_aarch64"
    if command == "plan":
        assert json.loads(done.stdout)["platform"] == "linux/arm64"


def test_the_python_of_an_image_for_another_machine_cannot_compile(road: Road, foreign: str) -> None:
    done = road.image("--platform", foreign, "--bytecode", "startup")
    assert done.returncode == 2
    assert "--bytecode startup cannot be done here" in done.stderr
    assert "is an image, of which this machine has no other" in done.stderr


@pytest.mark.engine
def test_an_engine_takes_an_image_for_another_platform_with_a_note(road: Road, foreign: str) -> None:
    tag = f"envbuild-test/platforms-{secrets.token_hex(4)}"
    try:
        done = road.image("-t", tag, "--platform", foreign, "--output", "docker")
        assert done.returncode == 0, done.stderr
        assert f"note: the image is for {foreign} and the engine's machine is linux/" in done.stderr
        assert f"docker run --rm --platform {foreign} " in done.stderr
        command = ["docker", "image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", tag]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert said.strip() == foreign
    finally:
        subprocess.run(["docker", "rmi", tag, "tiny"], capture_output=True, check=False)


@pytest.mark.engine
def test_what_the_engine_cannot_run_is_refused_before_any_work(road: Road, foreign: str) -> None:
    emulator = "qemu-aarch64" if foreign == "linux/arm64" else "qemu-x86_64"
    if Path("/proc/sys/fs/binfmt_misc", emulator).exists():
        pytest.skip("this machine runs programs of the other platform")
    for more in (["--test"], ["--backend", "docker", "--builder", "classic", "--output", "docker"]):
        done = road.image("--platform", foreign, *more)
        assert done.returncode == 9, done.stderr
        assert f"cannot run programs for {foreign}" in done.stderr
        assert "Resolved" not in done.stderr
    assert not (road.folder / "tiny.tar").exists()
