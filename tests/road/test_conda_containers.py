"""A container imports what conda and pip brought: a native library, a Python package of a channel, and wheels."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tinyconda
from containers import running
from doubling import cache_folder, write_model

pytest.importorskip("rattler", reason="needs the extra `conda`")
pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]

BASE = "debian:bookworm"
LOADER = """
import json
import sys

import numpy
import tiny_numbers


class Teller:
    def predict(self, frame):
        told = [sys.prefix, sys.version.split()[0], tiny_numbers.native(), tiny_numbers.__file__, numpy.__file__]
        return [json.dumps(told)] * len(frame)


def _load_pyfunc(path):
    return Teller()
"""
SITE = f"/opt/envbuild/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
PYTHON = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A channel with a Python that runs, a native library, and a Python package that calls it."""
    if tuple(map(int, platform.libc_ver()[1].split(".")[:2])) > (2, 36):
        pytest.skip(f"this machine's Python needs a newer C library than {BASE} has")
    folder = tmp_path_factory.mktemp("channel")
    tinyconda.make_real_python(folder)
    tinyconda.make_native(folder)
    tinyconda.make_caller(folder)
    tinyconda.index(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, channel: Path) -> Path:
    folder = write_model(tmp_path_factory.mktemp("model") / "teller")
    (folder / "code" / "doubler.py").write_text(LOADER)
    (folder / "conda.yaml").write_text(
        f"channels:\n- {channel.as_uri()}\ndependencies:\n- python={PYTHON}\n- pip\n- tiny-native\n- tiny-numbers>=1\n"
        "- pip:\n  - mlflow==3.17.2\n".replace("- pip\n", "", 1)
    )
    return folder


@pytest.fixture
def tag() -> Iterator[str]:
    name = "envbuild-test/conda-container:latest"
    yield name
    subprocess.run(["docker", "rmi", name], capture_output=True, check=False)


def build(model: Path, tag: str, cache: Path, home: Path, *arguments: str, alone: bool = False) -> dict[str, Any]:
    """Build the image into the engine; `alone` has no network, not even loopback."""
    command = [sys.executable, "-m", "envbuild", "image", str(model), "-t", tag, "--output", "docker", "--json"]
    command += ["--base", BASE, "--server", "envbuild", *arguments]
    if alone:
        command = ["unshare", "--net", "--map-root-user", *command]
    home.mkdir(exist_ok=True)
    env = {**os.environ, "ENVBUILD_CACHE_DIR": str(cache), "HOME": str(home)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if alone and "unshare: " in done.stderr:
        pytest.skip(f"no network namespace can be made here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check_container(tag: str, model: Path) -> None:
    """The server answers, by the Python of the channel, with what all three kinds of packages say."""
    with running(tag) as container:
        answer = container.post("/invocations", json.loads((model / "serving_input_example.json").read_text()))
    assert answer.status == 200, answer.body
    prefix, version, native, own, wheel = json.loads(answer.body["predictions"][0])
    assert (prefix, version) == ("/opt/envbuild", PYTHON)
    assert native[0].isdecimal()
    assert own == f"{SITE}/tiny_numbers/__init__.py"
    assert wheel == f"{SITE}/numpy/__init__.py"


def test_an_assembled_image_has_all_three_and_is_the_same_offline(
    model: Path, channel: Path, tag: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = cache_folder(tmp_path_factory)
    first = build(model, tag, cache, tmp_path / "home", "--backend", "assemble")
    check_container(tag, model)
    aside = channel.with_name("aside")
    shutil.move(channel, aside)
    try:
        again = build(model, tag, cache, tmp_path / "other", "--backend", "assemble", alone=True)
    finally:
        shutil.move(aside, channel)
    assert again["config_digest"] == first["config_digest"]
