"""Against a real package index: what the small one cannot show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envbuild.errors import ResolveError
from envbuild.oci.store import Store
from envbuild.resolver import fetch
from envbuild.servers import PROFILES

pytestmark = pytest.mark.network
Make = Callable[..., Any]


def test_a_sklearn_model_on_bookworm(env: Make, run: Make, tmp_path: Path) -> None:
    asked = env("mlflow", "scikit-learn==1.6.1", "azureml-inference-server-http", "azureml-ai-monitoring")
    lock = run(asked, PROFILES["azureml"])
    found = {package.name: package for package in lock.packages}
    assert found["scikit-learn"].version == "1.6.1"
    assert "cp311-cp311-manylinux" in found["numpy"].filename
    assert {"mlflow-skinny", "pandas", "flask", "gunicorn", "azureml-ai-monitoring"} <= set(found)
    assert "mlflow" not in found
    assert found["azureml-inference-server-http"].version >= "1.4.1"
    small = lock.packages[:3]
    from dataclasses import replace

    done = fetch(replace(lock, packages=small), Store(tmp_path / "store"))
    assert all(package.size for package in done.packages)


@pytest.mark.slow
def test_the_own_server_on_every_python_of_the_catalogue(env: Make, run: Make) -> None:
    for python, glibc in (("3.9.2", "2.31"), ("3.11.2", "2.36"), ("3.13.5", "2.41")):
        lock = run(env("mlflow-skinny", "scikit-learn"), PROFILES["envbuild"], python=python, glibc=glibc)
        brought = {"uvicorn", "httptools", "starlette", "orjson", "prometheus-client", "numpy"}
        assert brought <= {p.name for p in lock.packages}
        assert not [p.filename for p in lock.packages if "musl" in p.filename or "win" in p.filename]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pin", "full", "server", "in_the_way"),
    [
        ("mlflow==2.9.2", False, "1.5.1", ""),
        ("mlflow==1.30.0", False, "1.4.1", "importlib-metadata<6"),
        ("mlflow==1.30.0", True, "1.2.0", "gunicorn<21"),
        ("mlflow==2.9.2", True, "1.2.0", "gunicorn<22"),
        ("mlflow==2.15.1", True, "1.3.3", "gunicorn<23"),
    ],
)
def test_the_server_that_goes_with_a_recorded_mlflow(
    env: Make, run: Make, pin: str, full: bool, server: str, in_the_way: str
) -> None:
    asked = env(pin, "azureml-inference-server-http", "azureml-ai-monitoring")
    lock = run(asked, PROFILES["azureml"], full_mlflow=full)
    found = {package.name: package.version for package in lock.packages}
    assert found["azureml-inference-server-http"] == server
    assert ("azureml-contrib-services" in found) is (server < "1.4.1")
    # Each of them imports pkg_resources, of which setuptools 82 has none.
    assert int(found["setuptools"].partition(".")[0]) < 82
    assert found["numpy"].startswith("1.")
    if in_the_way:
        assert f"caps {in_the_way} (conda.yaml:7)" in lock.notes[0]
    else:
        assert lock.notes == ()


def test_numpy_2_stays_away_from_an_old_pandas(env: Make, run: Make) -> None:
    asked = env("mlflow==3.17.2", "pandas==2.1.1", "azureml-inference-server-http", "azureml-ai-monitoring")
    lock = run(asked, PROFILES["azureml"])
    found = {package.name: package.version for package in lock.packages}
    assert (found["pandas"], found["numpy"].partition(".")[0]) == ("2.1.1", "1")
    assert lock.notes == ("numpy<2 is added: numpy 2 breaks pandas 2.1.1, built before it came",)


def test_a_package_that_is_published_as_source_alone(env: Make, run: Make) -> None:
    with pytest.raises(ResolveError) as caught:
        run(env("pyspark==3.5.0"))
    assert "--allow-build pyspark" in caught.value.hint
