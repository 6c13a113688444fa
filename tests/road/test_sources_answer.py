"""Models whose packages no public index has: their containers answer with what came from the model or a private one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers import running, same
from doubling import cache_folder, write_model
from images import Build, building
from tinywheels import make_wheel, serve, write_index

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]

LOGIN = "reader:pa55-of-the-index"
LOAD = "import of_our_own\n    assert of_our_own.__version__ == '1.0'\n    return Doubler()"
BODY = {"dataframe_split": {"columns": ["a"], "data": [[1.5], [-2.0]]}}


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    with building(cache_folder(tmp_path_factory)) as build:
        yield build


def listing(model: Path, line: str) -> Path:
    conda = model / "conda.yaml"
    conda.write_text(conda.read_text() + f"  - {line}\n")
    return model


def check(tag: str) -> None:
    with running(tag) as container:
        answer = container.post("/invocations", BODY)
    assert answer.status == 200, answer.body
    assert same(answer.body, {"predictions": [3.0, -4.0]}), answer.body


def test_a_wheel_in_the_models_code_is_imported(build: Build, tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", load=LOAD)
    make_wheel(model / "code", "of-our-own")
    listing(model, "code/of_our_own-1.0-py3-none-any.whl")
    check(build(model, "wheel-in-code", "--server", "envbuild")["tag"])


def test_a_package_from_behind_a_password_is_imported(build: Build, tmp_path: Path) -> None:
    model = listing(write_model(tmp_path / "model", load=LOAD), "of-our-own==1.0")
    (tmp_path / "index").mkdir()
    make_wheel(tmp_path / "index", "of-our-own")
    write_index(tmp_path / "index")
    with serve(tmp_path / "index", LOGIN) as url:
        address = f"{url}/simple".replace("://", f"://{LOGIN}@")
        tag = build(model, "behind-password", "--server", "envbuild", "--extra-index-url", address)["tag"]
    check(tag)
    command = ["docker", "image", "inspect", tag]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert LOGIN.partition(":")[2] not in told
