"""Models that earlier versions of MLflow logged, with Python and packages of their day, answer from their images."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lookalikes
import pytest
from containers import running, same
from doubling import cache_folder
from environments import environment
from images import Build, building
from interpreters import interpreter

from envbuild.bases import open_base
from envbuild.oci.store import Store

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.proof]

LOG = """
import json, sys
import mlflow
from mlflow.models import infer_signature
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor

data = load_diabetes(as_frame=True)
table = data.data[["age", "bmi", "bp", "s5"]]
forest = RandomForestRegressor(n_estimators=8, max_depth=5, random_state=0).fit(table, data.target)
signature = infer_signature(table, forest.predict(table))
mlflow.sklearn.save_model(forest, sys.argv[1], signature=signature, input_example=table.head(3))
answer = mlflow.pyfunc.load_model(sys.argv[1]).predict(table.head(3)).tolist()
json.dump({"split": json.loads(table.head(3).to_json(orient="split")), "answer": answer}, open(sys.argv[2], "w"))
"""


@dataclass(frozen=True)
class Logged:
    """A model of a day, and what its own predict says."""

    folder: Path
    python: str
    split: Any
    answer: Any


@dataclass(frozen=True)
class Day:
    """What was installed where a model was logged, what it lists, and when that was."""

    minor: str
    installed: tuple[str, ...]
    lists: tuple[str, ...]
    day: str


DAYS = {
    "2.9.2": Day(
        minor="3.11",
        installed=("mlflow==2.9.2", "scikit-learn==1.3.2", "numpy<2", "pandas<2.2", "setuptools<70"),
        lists=("mlflow==2.9.2", "cloudpickle==3.0.0", "numpy==1.26.2", "scikit-learn==1.3.2", "scipy==1.11.4"),
        day="2023-12-20",
    ),
    "2.2.2": Day(
        minor="3.10",
        installed=("mlflow==2.2.2", "scikit-learn==1.2.2", "numpy<1.24", "pandas<2", "setuptools<68"),
        lists=("mlflow==2.2.2", "cloudpickle==2.2.1", "numpy==1.23.5", "scikit-learn==1.2.2", "scipy==1.10.1"),
        day="2023-03-20",
    ),
    "2.9.2 on 3.8": Day(
        minor="3.8",
        installed=("mlflow==2.9.2", "scikit-learn==1.3.2", "setuptools<70"),
        lists=("mlflow==2.9.2", "cloudpickle==3.0.0", "numpy==1.24.4", "scikit-learn==1.3.2", "scipy==1.10.1"),
        day="2023-12-20",
    ),
    "2.20.4": Day(
        minor="3.12",
        installed=("mlflow==2.20.4", "scikit-learn==1.5.2", "numpy<2.3", "pandas<3"),
        lists=("mlflow==2.20.4", "cloudpickle==3.1.1", "numpy==2.2.4", "scikit-learn==1.5.2", "scipy==1.15.2"),
        day="2025-05-01",
    ),
}
AS_OF = ("--as-of", "model")
CASES = [
    *(("2.9.2", server, more) for server in ("envbuild", "azureml", "mlflow") for more in ((), AS_OF)),
    *(("2.2.2", server, more) for server in ("envbuild", "azureml", "mlflow") for more in ((), AS_OF)),
    *(("2.2.2", server, ("--full-mlflow",)) for server in ("envbuild", "azureml")),
    ("2.9.2 on 3.8", "azureml", ()),
    *(("2.20.4", server, ()) for server in ("envbuild", "azureml", "mlflow")),
]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    with building(cache_folder(tmp_path_factory)) as build:
        yield build


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Layouts of bases made from interpreters of this machine, by minor version."""
    return {}


def base_of(minor: str, python: Path, bases: dict[str, Path], cache: Path, folder: Path) -> str:
    """The base for that Python: the assembled one for 3.11, a look-alike of the official image for the others."""
    if minor == "3.11":
        return "auto"
    if minor not in bases:
        store = Store(cache / "store")
        done = subprocess.run(
            [python, "-c", "import platform; print(platform.python_version())"],
            capture_output=True,
            text=True,
            check=True,
        )
        version = done.stdout.strip()
        bases[minor] = lookalikes.official(folder / minor, open_base("debian:bookworm", store), store, python, version)
    return f"oci:{bases[minor]}"


def log(name: str, folder: Path, parent: Path) -> Logged:
    """Log the model with the MLflow of `name`, and have its lists and its date be those of the day."""
    day = DAYS[name]
    python = environment(parent, f"logs-{name.replace(' ', '-')}", day.minor, *day.installed)
    folder.mkdir()
    model, case = folder / "model", folder / "case.json"
    subprocess.run([python, "-W", "ignore", "-c", LOG, model, case], check=True, cwd=folder, capture_output=True)
    full = re.search(r"python=(\S+)", (model / "conda.yaml").read_text())
    assert full is not None
    lines = "".join(f"  - {pin}\n" for pin in day.lists)
    (model / "conda.yaml").write_text(f"dependencies:\n- python={full[1]}\n- pip\n- pip:\n{lines}")
    (model / "requirements.txt").write_text("".join(f"{pin}\n" for pin in day.lists))
    text = (model / "MLmodel").read_text()
    time = f"utc_time_created: '{day.day} 10:00:00.000000'"
    (model / "MLmodel").write_text(re.sub(r"utc_time_created: .*", time, text))
    found = json.loads(case.read_text())
    return Logged(folder=model, python=full[1], split=found["split"], answer=found["answer"])


@pytest.fixture(scope="module")
def logged() -> dict[str, Logged]:
    """The models that were logged, by name: each once."""
    return {}


@pytest.mark.parametrize(("name", "server", "more"), CASES)
def test_its_container_answers_as_the_model_did(
    name: str,
    server: str,
    more: tuple[str, ...],
    build: Build,
    bases: dict[str, Path],
    logged: dict[str, Logged],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    python = interpreter(DAYS[name].minor)
    if python is None:
        pytest.skip(f"there is no Python {DAYS[name].minor} on this machine")
    if name not in logged:
        parent = tmp_path_factory.getbasetemp().parent / "envbuild-runtime"
        logged[name] = log(name, tmp_path_factory.mktemp("logged") / "of", parent)
    model = logged[name]
    cache = cache_folder(tmp_path_factory)
    base = base_of(DAYS[name].minor, python, bases, cache, tmp_path_factory.mktemp("base"))
    inject = ("--inject",) if server == "azureml" else ()
    tag = build(model.folder, f"logged-{server}", "--base", base, "--server", server, *inject, *more)["tag"]
    with running(tag, path="/ping" if server == "mlflow" else "/") as container:
        if server == "azureml":
            found = container.post("/score", {"input_data": model.split})
        else:
            found = container.post("/invocations", {"dataframe_split": model.split})
    assert found.status == 200, found.body
    given = found.body if server == "azureml" else found.body["predictions"]
    assert same(given, model.answer), given


@pytest.mark.parametrize("server", ["envbuild", "mlflow"])
def test_python_3_8_is_refused_where_only_the_base_has_it(
    server: str,
    build: Build,
    bases: dict[str, Path],
    fixture_models: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    python = interpreter("3.8")
    if python is None:
        pytest.skip("there is no Python 3.8 on this machine")
    base = base_of("3.8", python, bases, cache_folder(tmp_path_factory), tmp_path_factory.mktemp("base"))
    refused = build(fixture_models / "diabetes", "none", "--base", base, "--server", server, code=4)
    assert "runs on Python 3.8: 3.9 is the oldest" in refused["stderr"]
    assert "--server azureml runs on it" in refused["stderr"]
