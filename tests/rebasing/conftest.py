"""A model on an index of tiny wheels, one of them with a compiled module, and images of it that are made once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rebasebench import LIBRARIES, Bench
from tinyelf import make_library
from tinyindex import write_tiny_index
from tinyroad import write_model
from tinywheels import make_wheel, serve, write_index

from envbuild.built import Built


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("rebasing")
    index = folder / "index"
    index.mkdir()
    write_tiny_index(index)
    library = make_library(needed=[*LIBRARIES, "libc.so.6", "libnever.so.9"])
    compiled = {"native/_native.cpython-311-x86_64-linux-gnu.so": library}
    make_wheel(index, "native", tag="cp311-cp311-manylinux_2_28_x86_64", files=compiled)
    write_index(index)
    model = folder / "model"
    write_model(model)
    lines = (model / "conda.yaml").read_text()
    (model / "conda.yaml").write_text(lines + "  - native==1.0\n")
    (model / "requirements.txt").write_text("mlflow==3.17.2\ntiny-loader==1.0\nnative==1.0\n")
    with serve(index) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("UV_DEFAULT_INDEX", f"{url}/simple")
        patch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
        yield Bench(folder=folder, model=model, cache=folder / "cache")


@pytest.fixture(scope="module")
def first(bench: Bench) -> str:
    """The base that the image is on."""
    return bench.base(environment=["LD_HINT=old", "PYTHON_VERSION=3.11.9"], settings={"Labels": {"maintainer": "old"}})


@pytest.fixture(scope="module")
def image(bench: Bench, first: str) -> Built:
    """The model's image on the first base, as a layout."""
    return bench.build(first)
