"""The road's fixtures: an index of tiny wheels on loopback, and a road of one's own with an empty cache."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tinyroad import Road, write_base, write_model
from tinywheels import make_wheel, serve, write_index

SERVER = ("uvicorn", "httptools", "starlette", "orjson", "prometheus-client")
AZURE = ("azureml-inference-server-http", "azureml-ai-monitoring")


@pytest.fixture(scope="session")
def tiny_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tiny wheels with index pages: what the tiny model and both servers ask for."""
    folder = tmp_path_factory.mktemp("index")
    make_wheel(folder, "mlflow-skinny", "3.17.2", requires=["packaging"])
    make_wheel(folder, "mlflow", "3.17.2", requires=["mlflow-skinny==3.17.2"])
    make_wheel(folder, "tiny-loader", files={"tiny_loader/data.txt": "data\n"})
    for name, version in (("packaging", "26.3"), ("numpy", "2.4.6"), ("pandas", "3.1.1")):
        make_wheel(folder, name, version)
    for name, version in zip(SERVER, ("0.54.0", "0.7.1", "1.3.1", "3.11.4", "0.24.0"), strict=True):
        make_wheel(folder, name, version)
    make_wheel(folder, AZURE[0], "1.5.1")
    make_wheel(folder, AZURE[1], "1.0.0")
    write_index(folder)
    return folder


@pytest.fixture
def road(tmp_path: Path, tiny_index: Path) -> Iterator[Road]:
    """A road of one's own with an empty cache."""
    write_model(tmp_path / "model")
    write_base(tmp_path / "base")
    with serve(tiny_index) as url:
        yield Road(
            folder=tmp_path,
            model=tmp_path / "model",
            index=tiny_index,
            index_url=url,
            base=tmp_path / "base",
            cache=tmp_path / "cache",
        )


@pytest.fixture
def private_index(road: Road, tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """A copy of the index that the test may spoil; called, it is served from then on in place of the shared one."""
    folder = tmp_path / "index"
    shutil.copytree(road.index, folder)
    with serve(folder) as url:

        def use() -> Path:
            road.index_url = url
            return folder

        yield use
