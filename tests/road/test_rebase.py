"""`envbuild rebase` on real bases: through a registry into an engine, where the image answers as it did before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from containers import running, same
from doubling import cache_folder
from questions import Question
from registry import registry

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.registry, pytest.mark.network]

# One with compiled packages, which ask for libraries of the base, and with bytecode.
MODEL = "diabetes"
ADDED = ("--base", "debian:bookworm", "--apt", "libodbc2")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cache_folder(tmp_path_factory)


def envbuild(cache: Path, *arguments: object, code: int = 0) -> Any:
    """The JSON that a command prints, or what it says where it is to fail."""
    done = subprocess.run(
        [sys.executable, "-m", "envbuild", *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "ENVBUILD_CACHE_DIR": str(cache)},
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stderr if code else json.loads(done.stdout)


def test_an_image_on_another_base_is_what_a_build_makes_and_answers(
    fixture_models: Path, address: str, cache: Path, tmp_path: Path
) -> None:
    first, second = (f"{address}/envbuild-test/rebased:{tag}" for tag in (1, 2))
    image = ("image", fixture_models / MODEL, "--server", "envbuild", "--platform", "linux/amd64")
    built = envbuild(cache, *image, "-t", first, "--push", "--base", "debian:bookworm")
    assert built["bytecode"] == "startup"
    found = envbuild(cache, "rebase", first, *ADDED, "-t", second, "--push")
    assert found["changed"]
    assert {layer["how"] for layer in found["layers"] if layer["title"] == "bytecode (startup)"} == {"kept"}
    # The base and the config alone.
    assert found["pushed"]["blobs"]["sent"] == 2
    wanted = envbuild(cache, *image, *ADDED, "--output", f"oci-dir={tmp_path / 'wanted'}", "-t", "wanted")
    assert found["config_digest"] == wanted["config_digest"]
    assert [layer["diff_id"] for layer in found["layers"]] == [layer["diff_id"] for layer in wanted["layers"]]
    # What was added by --apt is not lost without a word, and another Python is none of the image's.
    assert "add --apt libodbc2" in envbuild(cache, "rebase", second, "--base", "debian:bookworm", "-t", second, code=5)
    said = envbuild(cache, "rebase", second, "--base", "debian:trixie", "-t", second, code=5)
    assert "the image's packages are for Python 3.11" in said
    subprocess.run(["docker", "pull", "--quiet", second], capture_output=True, check=True)
    try:
        question = Question(fixture_models / MODEL)
        code = "import ctypes; print(ctypes.CDLL('libodbc.so.2')._name)"
        run = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python3", second, "-c", code]
        assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "libodbc.so.2\n"
        with running(second) as container:
            answer = container.post("/invocations", question.example)
        assert answer.status == 200, answer.body
        assert same(answer.body["predictions"], question.answer)
    finally:
        subprocess.run(["docker", "rmi", second], capture_output=True, check=False)
