"""`--apt` from the command line to the plan and the image."""

from __future__ import annotations

import os
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from tinyroad import Road

from envbuild import api
from envbuild.options import DockerOptions, Options


def test_nothing_is_added_to_an_image_and_nothing_is_made_before_that_is_told(road: Road) -> None:
    done = road.image("--apt", "libgl1")
    assert done.returncode == 2
    assert "--apt libgl1: packages can be added to an assembled base, and oci:" in done.stderr
    assert "--python 3.11 (debian:bookworm)" in done.stderr
    assert done.stdout == ""
    assert not (road.folder / "tiny.tar").exists()


def test_a_name_that_is_none_is_told_before_anything_is_read(road: Road) -> None:
    done = road.run("plan", str(road.model), "--apt", "libGL.so.1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--apt libGL.so.1: not a package name" in done.stderr


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.engine
def test_the_plan_names_the_packages_and_both_backends_have_them(fixture_models: Path, tmp_path: Path) -> None:
    options = Options(server="envbuild", apt=("libodbc2",), bytecode="off", cache=tmp_path / "cache")
    model = api.load(fixture_models / "diabetes", options=options)
    plan = api.plan(model, options=options)
    assert [(d.value, d.why) for d in plan.decisions if d.what == "apt"] == [
        ("libodbc2", "--apt: in the base, with what they need")
    ]
    tag = f"envbuild-test-apt-road:{os.getpid()}"
    code = "import ctypes; print(ctypes.CDLL('libodbc.so.2')._name)"
    try:
        for backend in ("assemble", "docker"):
            built = api.build(
                model,
                tags=[tag],
                output="docker",
                options=replace(options, backend=backend, docker=DockerOptions(wheels="context", network="none")),
            )
            run = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python3", built.reference, "-c", code]
            assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "libodbc.so.2\n"
    finally:
        subprocess.run(["docker", "rmi", "--force", tag], capture_output=True, check=False)
    context = api.dockerfile(model, tmp_path / "context", options=options)
    with tarfile.open(next(context.rglob("*.tar"))) as tar:
        assert "var/lib/dpkg/status.d/libodbc2" in tar.getnames()
