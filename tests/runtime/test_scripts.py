"""A scoring script of the user's own, under both servers alike."""

from __future__ import annotations

import json

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
    assert server.get("/score?data=[1.0,4.0]&factor=3&more=text").json == [3.0, 12.0]
    assert server.get("/score?data=1.0&data=4.0").json == [2.0, 8.0]
    absent = server.get("/score?factor=3")
    assert (absent.status, absent.json["message"]) == (400, "A value is not provided for the 'data' parameter.")
    for body, message in ((b"", "POST body is empty. Expecting a JSON dictionary."), (b"[]", "should be a JSON dict")):
        refused = server.post("/score", body)
        assert refused.status == 400
        assert message in refused.json["message"]
    # A value that does not fit the type of its parameter fails in the script.
    assert server.post("/score", {"data": {"a": 1}}).status == 500


SEEN = """
import json, logging, sys
from below import NAME
def init():
    print("init", "prints")
    logging.getLogger("mine").warning("init logs")
def run(raw_data, request_headers):
    print("run prints")
    return {"data": raw_data, "names": sorted(request_headers), "type": type(request_headers).__name__, "name": NAME}
"""


@pytest.mark.parametrize("module", MODULES)
def test_what_an_undecorated_run_sees(module, start, tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "below.py").write_text("NAME = 'below'\n")
    server = start(module, AZUREML_SOURCE_DIRECTORY="source", **place(tmp_path, SEEN)).wait_until_up()
    seen = server.get("/score?a=1&b=[1,2]&c=text&d=null&e=x&e=2&f=").json
    assert json.loads(seen["data"]) == {"a": 1, "b": [1, 2], "c": "text", "d": None, "e": ["x", 2], "f": ""}
    posted = server.post("/score", b"\xc3\xa9", x_ms_client_2fa="1", TraceId="t").json
    assert (posted["data"], posted["type"], posted["name"]) == ("\u00e9", "dict", "below")
    wanted = {"Content-Length", "Content-Type", "Host", "Traceid", "User-Agent", "X-Ms-Client-2Fa"}
    assert wanted <= set(posted["names"])
    assert server.request("OPTIONS", "/score").text == ""
    for text in ("init prints", "init logs", "run prints"):
        assert text in server.log


@pytest.mark.parametrize("module", MODULES)
def test_behind_a_driver_the_scripts_own_run_is_called(module, start, tmp_path):
    (tmp_path / "real.py").write_text(DECORATED)
    driver = "import real as driver_module\nready = []\n"
    driver += "def init():\n    driver_module.init()\n    print('the driver has begun')\n"
    driver += "def run(*anything): raise RuntimeError('never')\n"
    server = start(module, **place(tmp_path, driver)).wait_until_up()
    assert server.post("/score", {"data": [1.0, 4.0]}).json == [2.0, 8.0]
    assert "the driver has begun" in server.log


@pytest.mark.parametrize("module", MODULES)
def test_what_lies_in_the_models_folder_is_logged_where_init_fails(module, start, tmp_path):
    script = place(tmp_path, "def init(): open('model.pkl')\ndef run(x): pass\n")
    folder = tmp_path / "models" / "deep"
    folder.mkdir(parents=True)
    for number in range(300):
        (folder / f"file-{number:03}").touch()
    server = start(module, **{**script, "AZUREML_MODEL_DIR": str(tmp_path / "models")})
    assert server.popen.wait(120) == 3
    log = server.log
    assert "No such file or directory: 'model.pkl'" in log
    assert "Model Directory Contents:" in log
    # The folder and the one in it are the first of 200 lines.
    assert "file-197" in log
    assert "file-198" not in log
    assert "Output Truncated. First 200 lines shown." in log


def test_a_script_that_leaves_in_init_ends_with_3(start, tmp_path):
    server = start(**place(tmp_path, "import sys\ndef init(): sys.exit('no table')\ndef run(x): pass\n"))
    assert server.popen.wait(120) == 3
    assert "no table" in server.log
    assert "score.py" in server.log


def test_in_the_others_way_a_request_that_is_none_stays_400(start, tmp_path):
    server = start(ENVBUILD_COMPAT="azureml", **place(tmp_path, DECORATED)).wait_until_up()
    assert server.post("/score", b"{}").status == 400
    assert server.post("/score", {"data": ["secret"]}).json == {
        "message": "An unexpected error occurred in scoring script. Check the logs for more info."
    }


def test_a_prediction_that_takes_too_long_is_given_up(start, tmp_path):
    text = "import time\ndef init(): pass\ndef run(x):\n    time.sleep(float(x))\n    return x\n"
    server = start(SCORING_TIMEOUT_MS="700", **place(tmp_path, text)).wait_until_up()
    late = server.post("/score", b"30")
    assert (late.status, late.json) == (500, {"message": "Scoring timeout after 700 ms"})
    assert late.headers["x-ms-run-function-failed"] == "True"
    assert server.post("/score", b"0").json == "0"


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
