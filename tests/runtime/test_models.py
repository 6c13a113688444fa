"""Every fixture model answers its own input example with what its own predict gives."""

from __future__ import annotations

import base64
import json
import math
import os

import pytest

pytestmark = [pytest.mark.network, pytest.mark.slow]

NAMES = ["diabetes", "forest", "tensors", "named-tensors", "pyfunc-code", "no-signature", "params", "lightgbm"]


def same(left, right):
    """Equal, numbers to within a rounding error."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) or isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return left == right


@pytest.mark.parametrize("name", NAMES)
def test_answers_its_input_example(name, start, model, example, azure_body):
    body, expected = example(name)
    server = start(**model(name)).wait_until_up()

    score = server.post("/score", azure_body(body))
    invocations = server.post("/invocations", body)

    assert score.status == 200, score.text
    assert same(score.json, expected), score.text
    assert invocations.status == 200, invocations.text
    assert same(invocations.json, {"predictions": expected}), invocations.text
    assert server.stop() == 0, server.log


@pytest.mark.parametrize("name", ["diabetes", "named-tensors", "no-signature", "params"])
def test_answers_under_the_azureml_server(name, start, model, example, azure_body, site, tmp_path):
    body, expected = example(name)
    for package in ("orjson", "prometheus_client"):
        # Images with this server have none of the other's packages.
        (tmp_path / f"{package}.py").write_text(f"raise ModuleNotFoundError('No module named {package}')\n")
    server = start(
        "envbuild_runtime.azureml",
        **model(name),
        AML_APP_ROOT=str(site / "envbuild_runtime"),
        AZUREML_ENTRY_SCRIPT="mlflow_score_script.py",
        PYTHONPATH=os.pathsep.join([str(tmp_path), str(site)]),
    ).wait_until_up()

    reply = server.post("/score", azure_body(body))

    assert reply.status == 200, reply.text + server.log
    assert same(reply.json, expected), reply.text
    assert reply.headers["x-ms-server-version"].startswith("azmlinfsrv/")
    assert server.get("/").text == "Healthy"
    assert server.get("/swagger.json?version=3").json["components"]["schemas"]["ServiceInput"]
    if name == "diabetes":
        refused = server.post("/score", {"input_data": {"columns": ["age"], "data": [[1]]}})
        assert refused.status == 400
        assert "'bmi'" in refused.json["message"]
    assert server.stop() == 0, server.log


LOADER = """
class Told:
    def predict(self, data):
        if hasattr(data, "columns"):
            return [value.hex() for value in data["image"]]
        return list(data.shape)
def _load_pyfunc(path):
    return Told()
"""


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (
            {"type": "binary", "name": "image"},
            {"columns": ["image"], "data": [[base64.b64encode(b"\x00\xff").decode()]]},
            ["00ff"],
        ),
        (
            {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, -1, 3]}},
            [[[1, 2, 3], [4, 5, 6]]],
            [1, 2, 3],
        ),
    ],
    ids=["binary", "free"],
)
def test_the_azureml_server_takes_binary_columns_and_free_dimensions(field, value, expected, start, site, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "told.py").write_text(LOADER)
    flavors = {"python_function": {"loader_module": "told", "code": "code"}}
    signature = {part: json.dumps([field]) for part in ("inputs", "outputs")}
    (tmp_path / "MLmodel").write_text(json.dumps({"flavors": flavors, "signature": signature}))
    server = start(
        "envbuild_runtime.azureml",
        AZUREML_MODEL_DIR=str(tmp_path.parent),
        MLFLOW_MODEL_FOLDER=tmp_path.name,
        AML_APP_ROOT=str(site / "envbuild_runtime"),
        AZUREML_ENTRY_SCRIPT="mlflow_score_script.py",
    ).wait_until_up()

    reply = server.post("/score", {"input_data": value})

    assert (reply.status, reply.json) == (200, expected), reply.text + server.log
