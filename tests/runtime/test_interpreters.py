"""The runtime on every Python that images may have, and beside the versions of MLflow of those Pythons' time."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from environments import environment
from interpreters import interpreter

RUNTIME = Path(__file__).resolve().parents[2] / "envbuild" / "runtime"

LOADER = """
class Doubled:
    def predict(self, frame):
        return (frame["a"] * 2).tolist()


def _load_pyfunc(path):
    return Doubled()
"""
MLMODEL = """
flavors:
  python_function:
    code: code
    env: conda.yaml
    loader_module: doubled
    python_version: {python}
mlflow_version: {mlflow}
model_uuid: 0123456789abcdef0123456789abcdef
signature:
  inputs: '[{{"name": "a", "type": "double"}}]'
  outputs: '[{{"type": "tensor", "tensor-spec": {{"dtype": "float64", "shape": [-1]}}}}]'
utc_time_created: '2023-01-02 03:04:05.000000'
"""
OWN = ("uvicorn", "httptools", "starlette", "orjson", "prometheus-client")
AZURE = ("azureml-inference-server-http", "azureml-ai-monitoring", "azureml-contrib-services>=1.62")
OLD = ("setuptools<81", "pandas<2", "numpy<1.27")
SPLIT = {"columns": ["a"], "data": [[1.5], [2.0]]}

# numpy and pandas as a resolution of the time would have them.
ROWS = [
    pytest.param("3.9", ("mlflow-skinny==1.30.1", *OLD), marks=pytest.mark.proof),
    ("3.10", ("mlflow-skinny==2.2.2", *OLD)),
    pytest.param("3.11", ("mlflow-skinny==2.9.2", *OLD), marks=pytest.mark.proof),
    pytest.param("3.12", ("mlflow-skinny==2.20.4", "numpy", "pandas<3"), marks=pytest.mark.proof),
    pytest.param("3.13", ("mlflow-skinny==3.17.2", "numpy", "pandas"), marks=pytest.mark.proof),
]
# What the answer to Azure ML's /score is sent by: the server of the time.
AZURE_ROWS = [
    pytest.param("3.8", ("mlflow-skinny==2.2.2", *OLD, *AZURE), marks=pytest.mark.proof),
    pytest.param("3.12", ("mlflow-skinny==2.20.4", "numpy", "pandas<3", *AZURE), marks=pytest.mark.proof),
]

COMPILES = """
import pathlib, sys
for path in pathlib.Path(sys.argv[1]).rglob("*.py"):
    compile(path.read_text(encoding="utf-8"), str(path), "exec", dont_inherit=True)
"""


@pytest.mark.parametrize("minor", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_every_file_is_in_the_language_of_that_python(minor: str) -> None:
    python = interpreter(minor)
    if python is None:
        pytest.skip(f"there is no Python {minor} on this machine")
    done = subprocess.run([python, "-c", COMPILES, RUNTIME], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def write_model(folder: Path, python: str, packages: tuple[str, ...]) -> dict[str, str]:
    """A model as that MLflow writes one, and the variables that name it."""
    (folder / "code").mkdir()
    (folder / "code" / "doubled.py").write_text(LOADER)
    mlflow = packages[0].partition("==")[2]
    (folder / "MLmodel").write_text(MLMODEL.format(python=f"{python}.2", mlflow=mlflow))
    return {"AZUREML_MODEL_DIR": str(folder), "MLFLOW_MODEL_FOLDER": "."}


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize(("minor", "packages"), ROWS)
def test_the_own_server_answers_there(
    minor: str, packages: tuple[str, ...], start: Any, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    parent = tmp_path_factory.getbasetemp().parent / "envbuild-runtime"
    python = environment(parent, f"own-{minor}", minor, *packages, *OWN)
    model = write_model(tmp_path, minor, packages)
    server = start(python=python, **model).wait_until_up()

    assert server.post("/score", {"input_data": SPLIT}).json == [3.0, 4.0], server.log
    assert server.post("/invocations", {"dataframe_split": SPLIT}).json == {"predictions": [3.0, 4.0]}
    tensor = {"name": "a", "shape": [1], "datatype": "FP64", "data": [2.5]}
    reply = server.post("/v2/models/model/infer", {"inputs": [tensor], "parameters": {"content_type": "pd"}})
    assert reply.json["outputs"][0]["data"] == [5.0], reply.text
    assert server.post("/score", {"input_data": {"columns": ["a"], "data": [["x"]]}}).status == 400
    assert server.stop() == 0, server.log

    knows = tuple(map(int, packages[0].partition("==")[2].split(".")[:2])) >= (2, 8)
    server = start(python=python, SERVING_MODEL_CONFIG='{"a": 1}', **model)
    if knows:
        assert server.wait_until_up().stop() == 0
    else:
        assert server.popen.wait(60) == 3
        assert "gives models no configuration: 2.8 is the first that does. Unset it" in server.log
        assert "Traceback" not in server.log


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize(("minor", "packages"), AZURE_ROWS)
def test_azures_server_answers_there(
    minor: str,
    packages: tuple[str, ...],
    start: Any,
    site: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    parent = tmp_path_factory.getbasetemp().parent / "envbuild-runtime"
    python = environment(parent, f"azure-{minor}", minor, *packages)
    place = {"AML_APP_ROOT": str(site / "envbuild_runtime"), "AZUREML_ENTRY_SCRIPT": "mlflow_score_script.py"}
    model = write_model(tmp_path, minor, packages)
    server = start("envbuild_runtime.azureml", python=python, **place, **model).wait_until_up()
    reply = server.post("/score", {"input_data": SPLIT})
    assert (reply.status, reply.json) == (200, [3.0, 4.0]), reply.text + server.log
