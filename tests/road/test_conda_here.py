"""A model with conda packages on this machine: behind its server, with the Python of a channel."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tinyconda
from doubling import cache_folder, write_model
from tinyroad import Road, add_base, write_base

pytest.importorskip("rattler", reason="needs the extra `conda`")
pytestmark = pytest.mark.slow

PYTHON = ".".join(map(str, sys.version_info[:3]))
LOADER = """
import json
import os
import sys

import numpy
import tiny_numbers


class Teller:
    def predict(self, frame):
        with open(os.path.join(sys.prefix, "share", "more")) as file:
            more = file.read()
        where = [tiny_numbers.__file__, numpy.__file__]
        told = [sys.prefix, os.environ["CONDA_PREFIX"], sys.version.split()[0], tiny_numbers.native(), more, where]
        return [json.dumps(told)] * len(frame)


def _load_pyfunc(path):
    return Teller()
"""
# What `serve` makes before it starts anything: the folder, the subdirs of conda's packages, why not the image's.
SETUP = """
import json, sys
from pathlib import Path
from envbuild import api
from envbuild.options import Options
from envbuild.progress import Progress

class Teller(Progress):
    def note(self, message):
        print("note:", message, file=sys.stderr)
    def warn(self, message):
        print("warning:", message, file=sys.stderr)

options = Options(base=sys.argv[2], server="envbuild", platform=sys.argv[3])
environment = api.setup(api.load(sys.argv[1], options=options), options=options, progress=Teller()).environment
print(json.dumps([str(environment.folder), sorted({p.subdir for p in environment.lock.conda}), environment.anew]))
"""


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A channel with a Python that runs, a native library, and a Python package that calls it."""
    folder = tmp_path_factory.mktemp("channel")
    tinyconda.make_real_python(folder)
    tinyconda.make_native(folder)
    tinyconda.make_caller(folder)
    tinyconda.make_package(folder, "tiny-more", files={"share/more": tinyconda.PLACEHOLDER})
    tinyconda.make_python(folder, PYTHON, subdir="linux-aarch64")
    for name in ("tiny-native", "tiny-more"):
        tinyconda.make_package(folder, name, files={f"share/{name}": "arm"}, subdir="linux-aarch64")
    tinyconda.index(folder)
    return folder


def conda_yaml(channel: Path, *pip: str) -> str:
    listed = "".join(f"  - {line}\n" for line in ("mlflow==3.17.2", *pip))
    return (
        f"channels:\n- {channel.as_uri()}\ndependencies:\n- python={PYTHON}\n- tiny-numbers>=1\n- tiny-more\n"
        f"- pip:\n{listed}"
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, channel: Path) -> Path:
    folder = write_model(tmp_path_factory.mktemp("model") / "teller")
    (folder / "code" / "doubler.py").write_text(LOADER)
    (folder / "conda.yaml").write_text(conda_yaml(channel))
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A base by name only: on this machine nothing of it is run."""
    folder = tmp_path_factory.mktemp("bases") / "base"
    write_base(folder)
    return f"oci:{folder}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(model: Path, cache: Path, *arguments: str) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """The answer to the model's own example, and afterwards what the command wrote to stderr."""
    command = [
        sys.executable,
        "-m",
        "envbuild",
        "serve",
        str(model),
        "--server",
        "envbuild",
        "--port",
        str(free_port()),
    ]
    env = {**os.environ, "ENVBUILD_CACHE_DIR": str(cache), "NO_COLOR": "1"}
    process = subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    )
    said: list[str] = []
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, process.communicate()[1]
        body = (model / "serving_input_example.json").read_bytes()
        request = urllib.request.Request(f"{url}/invocations", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            yield json.loads(answer.read()), said
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        said.append(err)
    assert process.returncode == 0, err


@pytest.mark.network
def test_it_answers_by_condas_python_and_the_second_time_from_the_cache(
    model: Path, base: str, channel: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = cache_folder(tmp_path_factory)
    found, made = [], []
    for _ in range(2):
        with served(model, cache, "--base", base) as (answer, said):
            found.append(json.loads(answer["predictions"][0]))
            made.append(Path(found[-1][0], "bin").stat().st_mtime_ns)
        assert f"note: the image's own lock runs here: Python {PYTHON} (with conda's packages)" in said[0]
        assert "Traceback" not in said[0]
    prefix, named, version, native, more, where = found[0]
    assert Path(prefix).parent == cache / "environments"
    # A text of a package names the environment as its Python does.
    assert (named, version, more) == (prefix, PYTHON, prefix)
    assert native[0].isdecimal()
    site = f"{prefix}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    assert where == [f"{site}/tiny_numbers/__init__.py", f"{site}/numpy/__init__.py"]
    assert (found[1], made[1]) == (found[0], made[0])
    # A command of a wheel starts that Python too.
    assert Path(prefix, "bin/f2py").read_text().startswith(f"#!{prefix}/bin/python")
    command = [sys.executable, "-m", "envbuild", "test", str(model), "--server", "envbuild", "--base", base, "--json"]
    env = {**os.environ, "ENVBUILD_CACHE_DIR": str(cache), "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    checks = {check["name"]: check["result"] for check in json.loads(done.stdout)["checks"]}
    assert checks["ready"] == checks["the model's own predict"] == checks["stops gently"] == "passed", checks
    assert Path(prefix, "bin").stat().st_mtime_ns == made[0]


def test_for_another_platform_they_are_chosen_anew_and_a_damaged_one_is_fetched_again(
    road: Road, channel: Path, tmp_path: Path
) -> None:
    (road.model / "conda.yaml").write_text(conda_yaml(channel, "tiny-loader==1.0"))
    add_base(road.base, tmp_path / "arm", architecture="arm64")

    def setup(platform: str) -> tuple[Any, str]:
        done = road.run_in_python(SETUP, str(road.model), f"oci:{road.base}", platform)
        return json.loads(done.stdout), done.stderr

    (folder, subdirs, anew), said = setup("linux/arm64")
    assert subdirs == ["linux-64", "noarch"]
    assert anew.startswith("the image is for aarch64, and this machine is ")
    assert f"note: {anew}: the packages are resolved anew for this machine" in said
    (own, subdirs, anew), said = setup("linux/amd64")
    assert (own, subdirs, anew) == (folder, ["linux-64", "noarch"], "")
    code = "import sys, tiny_loader, tiny_numbers; print(sys.prefix, tiny_numbers.native())"
    ran = subprocess.run([f"{folder}/bin/python", "-I", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith(f"{folder} ")
    shutil.rmtree(folder)
    for path in (road.cache / "store" / "blobs" / "sha256").iterdir():
        if path.read_bytes()[:3] == b"BZh":
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:-9] + b"\0" * 9)
    (again, _, _), said = setup("linux/amd64")
    assert again == folder
    assert "warning: the cached blob sha256:" in said and "damaged and is fetched anew" in said
    assert Path(f"{folder}/share/more").read_text() == folder
