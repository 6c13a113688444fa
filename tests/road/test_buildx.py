"""What is attached to a pushed image is read by BuildKit's own client, and the attested image runs where it is pulled.

The client and the engine are those of newer Debian suites, unpacked into a folder.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from newerengine import SUITES, newer_engine, plugins
from registry import registry
from tinyroad import Road

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.registry, pytest.mark.network]


@pytest.fixture(scope="module", params=SUITES)
def docker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """A `docker` command with buildx, of a newer suite, and its engine."""
    cache = request.config.cache.mkdir(f"containerd-store-{request.param}")
    with newer_engine(request.param, cache) as (socket, root):
        settings = tmp_path_factory.mktemp("docker")
        folder = plugins(root)
        assert folder is not None
        (settings / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(folder)]}))
        yield [f"{root}/usr/bin/docker", "--config", str(settings), "--host", f"unix://{socket}"]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with registry(tmp_path / "registry") as address:
        yield address


def run(command: list[str], *words: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DOCKER_")}
    done = subprocess.run([*command, *words], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_imagetools_reads_the_bill_of_materials_and_the_provenance(road: Road, address: str, docker: list[str]) -> None:
    name = f"{address}/team/tiny:1"
    base = ["--base", f"oci:{road.base}", "--server", "envbuild", "--bytecode", "off"]
    done = road.run("image", str(road.model), "-t", name, "--push", "--json", "--sbom", "--provenance", *base)
    assert done.returncode == 0, done.stderr
    built: dict[str, Any] = json.loads(done.stdout)
    inspect = [*docker, "buildx", "imagetools", "inspect", name]
    sbom = json.loads(run(inspect, "--format", "{{json .SBOM}}"))
    assert "tiny-loader" in {package["name"] for package in sbom["SPDX"]["packages"]}
    provenance = json.loads(run(inspect, "--format", "{{json .Provenance}}"))
    assert provenance["SLSA"]["buildDefinition"]["buildType"] == "urn:envbuild:build-type:image:1"
    shown = run(inspect)
    assert "attestation-manifest" in shown
    assert "linux/amd64" in shown
    run(docker, "pull", name)
    found = json.loads(run(docker, "image", "inspect", name))[0]
    assert found["Config"]["Labels"]["dev.envbuild.server"] == "envbuild"
    assert built["config_digest"].startswith("sha256:")


def test_containerd_imports_an_attested_archive(road: Road, docker: list[str]) -> None:
    done = road.image("--sbom", "--provenance", "-t", "envbuild-test/attested:1", name="a.tar")
    assert done.returncode == 0, done.stderr
    folder = Path(docker[0]).parent
    socket = Path(docker[-1].removeprefix("unix://")).with_name("c.sock")
    ctr = [str(folder / "ctr"), "--address", str(socket), "--namespace", "envbuild-test"]
    run(ctr, "images", "import", str(road.folder / "a.tar"))
    shown = run(ctr, "images", "ls")
    assert "docker.io/envbuild-test/attested:1" in shown
    assert "application/vnd.oci.image.index.v1+json" in shown


def test_an_attested_archive_is_loaded_into_the_containerd_store(road: Road, docker: list[str]) -> None:
    done = road.image("--sbom", "--provenance", "-t", "envbuild-test/attested:1", name="a.tar")
    assert done.returncode == 0, done.stderr
    run(docker, "load", "--input", str(road.folder / "a.tar"))
    found = json.loads(run(docker, "image", "inspect", "envbuild-test/attested:1"))[0]
    assert found["Config"]["Labels"]["dev.envbuild.server"] == "envbuild"
