"""A scoring script of the user's own, under both servers alike."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.network

SCRIPT = """
import json, os
from helper import double
table = None
def init():
    global table
    with open("table.json") as file:          # beside the script, which is the working directory
        table = json.load(file)
    assert os.path.isdir(os.environ["AZUREML_MODEL_DIR"])
def run(raw_data, request_headers):
    assert isinstance(raw_data, str)
    content = json.loads(raw_data)
    if content == "nothing":
        return None
    return {"sum": double(sum(content)) + table["offset"], "id": request_headers.get("X-Caller")}
"""
DECORATED = """
import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema
def init():
    pass
@input_schema("data", NumpyParameterType(np.array([1.0, 2.0])))
@output_schema(NumpyParameterType(np.array([1.0])))
def run(data, factor=2):
    return (data * factor).tolist()
"""
MODULES = ["envbuild_runtime", "envbuild_runtime.azureml"]


def place(folder, text):
    (folder / "score.py").write_text(text)
    (folder / "helper.py").write_text("def double(value):\n    return 2 * value\n")
    (folder / "table.json").write_text('{"offset": 100}')
    return {"AML_APP_ROOT": str(folder), "AZUREML_ENTRY_SCRIPT": "score.py", "AZUREML_MODEL_DIR": str(folder)}


@pytest.mark.parametrize("module", MODULES)
def test_an_undecorated_run_gets_the_body_as_text(module, start, tmp_path):
    server = start(module, **place(tmp_path, SCRIPT)).wait_until_up()
    reply = server.post("/score", b"[1, 2, 3]", X_Caller="me", Content_Type="text/plain")
    assert (reply.status, reply.json) == (200, {"sum": 112, "id": "me"})
    assert server.post("/score", b'"nothing"').json == {}
    bad = server.post("/score", b"\xff")
    assert bad.status == 400
    assert "UTF-8" in bad.json["message"]
    failed = server.post("/score", b"not json")
    assert failed.status == 500
    assert failed.json["message"] == "An unexpected error occurred in scoring script. Check the logs for more info."
    assert failed.headers["x-ms-run-function-failed"] == "True"
    assert "JSONDecodeError" in server.log
    assert server.stop() == 0


@pytest.mark.parametrize("module", MODULES)
def test_a_decorated_run_gets_the_members_by_name(module, start, tmp_path):
    server = start(module, **place(tmp_path, DECORATED)).wait_until_up()
    assert server.post("/score", {"data": [1.0, 4.0]}).json == [2.0, 8.0]
    assert server.post("/score", {"data": [1.0, 4.0], "factor": 3, "more": 1}).json == [3.0, 12.0]
    missing = server.post("/score", {"factor": 3})
    assert (missing.status, missing.json["message"]) == (400, "A value is not provided for the 'data' parameter.")
    assert server.post("/score", b"{}", Content_Type="text/csv").status == 415


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def init(): pass\n", "does not have a run() function defined"),
        ("def run(x): pass\n", "does not have a init() function defined"),
        ("def init(): pass\ndef run(*x): pass\n", "cannot accept positional-only arguments, *args, or **kwargs"),
        ("def init(): pass\ndef run(): pass\n", "needs to accept an argument for input data"),
        ("def init(): raise RuntimeError('the table is gone')\ndef run(x): pass\n", "the table is gone"),
        ("import no_such_package\n", "No module named 'no_such_package'"),
    ],
)
def test_a_script_that_cannot_serve_ends_with_3(module, text, reason, start, tmp_path):
    server = start(module, **place(tmp_path, text))
    assert server.popen.wait(120) == 3
    assert reason in server.log


def test_a_missing_script_is_named(start, tmp_path):
    server = start(AML_APP_ROOT=str(tmp_path), AZUREML_ENTRY_SCRIPT="score.py")
    assert server.popen.wait(60) == 3
    assert f"{tmp_path / 'score.py'} does not exist" in server.log
