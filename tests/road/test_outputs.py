"""What is written can be read by others: skopeo, a registry, and an engine that has never seen a layer of it."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tinyroad import Road, write_base


def skopeo(*arguments: str) -> str:
    done = subprocess.run(["skopeo", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def made(road: Road, output: str) -> dict[str, object]:
    done = road.image("--json", "--output", output)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry of one's own on loopback; gives host:port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {tmp_path / 'registry'}}}}}\n"
        f"http: {{addr: {address}}}\n"
    )
    process = subprocess.Popen(
        ["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            host, _, port = address.partition(":")
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    break
            time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait()


@pytest.mark.registry
@pytest.mark.parametrize("kind", ["oci-dir", "oci-archive", "docker-archive"])
def test_skopeo_inspects_and_copies_every_output(road: Road, registry: str, kind: str) -> None:
    path = road.folder / "out"
    built = made(road, f"{kind}={path}")
    transport = {"oci-dir": "oci", "oci-archive": "oci-archive", "docker-archive": "docker-archive"}[kind]
    seen = json.loads(skopeo("inspect", f"{transport}:{path}"))
    assert seen["Architecture"] == "amd64"
    assert seen["Labels"]["dev.envbuild.server"] == "envbuild"
    target = f"docker://{registry}/tiny:{kind}"
    skopeo("copy", "--dest-tls-verify=false", f"{transport}:{path}", target)
    config = json.loads(skopeo("inspect", "--config", "--tls-verify=false", target))
    assert config["rootfs"]["diff_ids"] == [layer["diff_id"] for layer in built["layers"]]  # type: ignore[union-attr]
    raw = subprocess.run(
        ["skopeo", "inspect", "--config", "--raw", f"{transport}:{path}"], capture_output=True, check=True
    ).stdout
    if kind != "docker-archive":
        assert "sha256:" + hashlib.sha256(raw).hexdigest() == built["config_digest"]


@pytest.mark.engine
@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_an_engine_without_any_layer_loads_the_archive(road: Road, kind: str) -> None:
    path = road.folder / "out.tar"
    # A salted base makes every chain unknown to any engine.
    shutil.rmtree(road.base)
    write_base(road.base, salt=str(road.folder))
    built = made(road, f"{kind}={path}")
    tag = f"envbuild-test/archive-{kind}:latest"
    done = road.image("--json", "-t", tag, "--output", f"{kind}={path}")
    assert done.returncode == 0, done.stderr
    try:
        loaded = subprocess.run(["docker", "load", "--input", str(path)], capture_output=True, text=True, check=False)
        assert loaded.returncode == 0, loaded.stderr
        found = subprocess.run(
            ["docker", "inspect", "--format", "{{json .RootFS.Layers}}", tag],
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(found.stdout) == [layer["diff_id"] for layer in built["layers"]]  # type: ignore[union-attr]
    finally:
        subprocess.run(["docker", "rmi", tag, "tiny:latest"], capture_output=True, check=False)


def test_an_existing_folder_that_is_no_layout_is_left_alone(road: Road) -> None:
    path = road.folder / "precious"
    path.mkdir()
    (path / "thesis.txt").write_text("years of work")
    done = road.image("--output", f"oci-dir={path}")
    assert done.returncode == 2
    assert str(path) in done.stderr
    assert [p.name for p in path.iterdir()] == ["thesis.txt"]


def test_a_failed_build_leaves_the_former_archive_as_it_was(road: Road) -> None:
    path = road.folder / "tiny.tar"
    assert road.image().returncode == 0
    before = path.read_bytes()
    (road.model / "MLmodel").unlink()
    assert road.image().returncode == 1
    assert path.read_bytes() == before


def test_the_metadata_file_says_what_stdout_says(road: Road) -> None:
    metadata = road.folder / "meta.json"
    done = road.image("--json", "--metadata-file", str(metadata))
    assert done.returncode == 0, done.stderr
    assert json.loads(metadata.read_text())["config_digest"] == json.loads(done.stdout)["config_digest"]
