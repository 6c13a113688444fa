"""Models as MLflow 1.x, 2.x and 3.x write them, answered by this server with the MLflow of its environment."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from environments import environment

pytestmark = [pytest.mark.network, pytest.mark.slow]

LOADER = """
class Doubled:
    def predict(self, frame):
        return (frame["a"] * 2).tolist()


def _load_pyfunc(path):
    assert open(path).read() == "weights"
    return Doubled()
"""

REQUEST = {"dataframe_split": {"columns": ["a"], "data": [[1.5], [2.0]]}}
DOUBLE = {"name": "a", "type": "double"}

# The members of each are those of a model that the named version saved.
MLMODELS = {
    # No signature, no version of MLflow, the environment as text.
    "1.0": """
flavors:
  python_function:
    code: code
    data: data/weights
    env: conda.yaml
    loader_module: doubled
    python_version: 3.6.8
utc_time_created: '2019-05-31 12:00:00.000000'
""",
    # A signature without `required` and without params.
    "1.30": f"""
artifact_path: model
flavors:
  python_function:
    code: code
    data: data/weights
    env: conda.yaml
    loader_module: doubled
    python_version: 3.8.13
mlflow_version: 1.30.1
model_uuid: 0123456789abcdef0123456789abcdef
run_id: 0123456789abcdef0123456789abcdef
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  type: dataframe
signature:
  inputs: '{json.dumps([DOUBLE])}'
  outputs: '{json.dumps([{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}])}'
utc_time_created: '2022-10-31 12:00:00.000000'
""",
    # Environments by name, params, sizes.
    "2.9": f"""
artifact_path: model
flavors:
  python_function:
    code: code
    data: data/weights
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: doubled
    python_version: 3.10.12
mlflow_version: 2.9.2
model_size_bytes: 1024
model_uuid: 0123456789abcdef0123456789abcdef
signature:
  inputs: '{json.dumps([{**DOUBLE, "required": True}])}'
  outputs: null
  params: '{json.dumps([{"name": "power", "dtype": "double", "default": 1.0, "shape": None}])}'
utc_time_created: '2023-12-14 12:00:00.000000'
""",
    # A model of its own, with no run.
    "3.17": f"""
artifact_path: models:/m-0123456789abcdef0123456789abcdef
env_vars: null
flavors:
  python_function:
    code: code
    config: null
    data: data/weights
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: doubled
    python_version: 3.11.7
    streamable: false
is_signature_from_type_hint: false
metadata: null
mlflow_version: 3.17.2
model_id: m-0123456789abcdef0123456789abcdef
model_size_bytes: 1024
model_uuid: m-0123456789abcdef0123456789abcdef
prompts: null
resources: null
auth_policy: null
signature:
  inputs: '{json.dumps([{**DOUBLE, "required": True}])}'
  outputs: null
  params: null
type_hint_from_example: false
utc_time_created: '2026-01-02 03:04:05.000000'
a_key_of_the_future: [1]
""",
}


@pytest.mark.parametrize("version", MLMODELS)
def test_a_model_of_each_version_is_answered(version, start, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "doubled.py").write_text(LOADER)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "weights").write_text("weights")
    (tmp_path / "MLmodel").write_text(MLMODELS[version])
    server = start(AZUREML_MODEL_DIR=str(tmp_path), MLFLOW_MODEL_FOLDER=".").wait_until_up()

    assert server.post("/invocations", REQUEST).json == {"predictions": [3.0, 4.0]}, server.log
    assert server.post("/score", {"input_data": REQUEST["dataframe_split"]}).json == [3.0, 4.0]
    old = server.post("/invocations", [{"a": 0.5}], Content_Type="application/json; format=pandas-records")
    assert old.json == [1.0]
    metadata = server.get("/v2/models/model").json
    assert [part["name"] for part in metadata["inputs"]] == ([] if version == "1.0" else ["a"])
    if version == "1.30":
        assert metadata["outputs"] == [{"name": "output-0", "datatype": "FP64", "shape": [-1]}]
    tensor = {"name": "a", "shape": [1], "datatype": "FP64", "data": [2.5]}
    pd = {"content_type": "pd"}
    reply = server.post("/v2/models/model/infer", {"inputs": [tensor], "parameters": pd})
    assert reply.json["outputs"][0]["data"] == [5.0], reply.text + server.log
    if version != "1.0":
        wrong = server.post("/invocations", {"inputs": [{"a": "x"}]})
        assert (wrong.status, "'a', row 0" in wrong.json["message"]) == (400, True)


SAVE = """
import sys
import mlflow.pyfunc
from mlflow.models.signature import ModelSignature
from mlflow.types.schema import ColSpec, Schema

signature = ModelSignature(inputs=Schema([ColSpec("double", "a")]), outputs=Schema([ColSpec("double")]))
mlflow.pyfunc.save_model(
    sys.argv[1], loader_module="doubled", data_path=sys.argv[2], code_path=[sys.argv[3]], signature=signature,
    conda_env={"dependencies": ["python", {"pip": ["mlflow"]}]},
)
"""


@pytest.mark.parametrize(("version", "minor"), [("1.30.1", "3.9"), ("2.9.2", "3.10")])
def test_a_model_that_an_old_mlflow_saved_is_answered(version, minor, start, tmp_path, tmp_path_factory):
    parent = tmp_path_factory.getbasetemp().parent / "envbuild-runtime"
    packages = (f"mlflow-skinny=={version}", "numpy==1.26.4", "pandas==1.5.3", "setuptools<81")
    python = environment(parent, "mlflow-old", minor, *packages)
    (tmp_path / "doubled.py").write_text(LOADER)
    (tmp_path / "weights").write_text("weights")
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    command = [python, "-c", SAVE, tmp_path / "model", tmp_path / "weights", tmp_path / "doubled.py"]
    subprocess.run(command, check=True, env=variables, cwd=tmp_path, timeout=120)
    text = (tmp_path / "model" / "MLmodel").read_text()
    assert f"mlflow_version: {version}" in text
    server = start(AZUREML_MODEL_DIR=str(tmp_path)).wait_until_up()

    assert server.post("/invocations", REQUEST).json == {"predictions": [3.0, 4.0]}, server.log
    assert server.get("/v2/models/model").json["outputs"] == [{"name": "output-0", "datatype": "FP64", "shape": [-1]}]
