"""MLflow's own scoring server and this one, side by side: what each answers to the same requests.

Every case says what MLflow's server answers, and what this one does where that differs, by itself and with
ENVBUILD_COMPAT=mlflow.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass

import pytest

pytestmark = [pytest.mark.network, pytest.mark.slow]

MODEL = """
import time
import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.protos import databricks_pb2


class Told:
    def predict(self, data, params=None):
        params = params or {}
        time.sleep(params.get("sleep", 0.0))
        if params.get("fail"):
            raise KeyError("secret")
        if params.get("code"):
            raise MlflowException("secret", error_code=getattr(databricks_pb2, params["code"]))
        answer = data.copy()
        answer["y"] = np.nan if params.get("nan") else 1.0
        return answer


def _load_pyfunc(path):
    return Told()
"""

JSON = "application/json"
CSV = "text/csv"
ROW = {"a": 1.0, "b": 2}
GOOD = {"dataframe_records": [ROW]}


@dataclass(frozen=True)
class Case:
    """A request and what is answered: status and error_code, or the prediction."""

    name: str
    body: object
    original: tuple[int, str]
    own: tuple[int, str] | None = None
    """What this server answers where it differs."""
    compat: tuple[int, str] | None = None
    """The same with ENVBUILD_COMPAT=mlflow; `own` if that is not said."""
    media: str | None = JSON
    why: str = ""
    """Why it differs."""


def same(name, body, status, answer="", media=JSON):
    return Case(name, body, (status, answer), media=media)


def split(*columns, **more):
    return {"dataframe_split": {"columns": [name for name, _ in columns], "data": [[v for _, v in columns]]}, **more}


CASES = [
    same("split", split(("a", 1.0), ("b", 2)), 200),
    same("records", GOOD, 200),
    same("inputs", {"inputs": {"a": [1.0], "b": [2]}}, 200),
    same("instances", {"instances": [ROW]}, 200),
    same("csv", b"a,b\n1.0,2\n", 200, media=CSV),
    same("charset", GOOD, 200, media="application/json; charset=utf-8"),
    same("an extra column", {"dataframe_records": [{**ROW, "more": "secret"}]}, 200),
    same("an unknown parameter", {**GOOD, "params": {"more": 1}}, 200),
    same("an extra key", {**GOOD, "more": 1}, 200),
    same("another charset", GOOD, 415, media="application/json; charset=latin-1"),
    same("another type", GOOD, 415, media="application/octet-stream"),
    same("a format that nobody knew", GOOD, 415, media="application/json; format=pandas-values"),
    same("broken UTF-8", b'{"inputs": "\xff"}', 400, "BAD_REQUEST"),
    same("broken UTF-8 in CSV", b"a,b\n\xff,2\n", 400, "BAD_REQUEST", media=CSV),
    same("no JSON", b"{secret", 400, "BAD_REQUEST"),
    same("a list", [1, 2], 400, "BAD_REQUEST"),
    same("no key", {"secret": 1}, 400, "BAD_REQUEST"),
    same("two keys", {**GOOD, "inputs": []}, 400, "BAD_REQUEST"),
    same("split that is none", {"dataframe_split": [1]}, 400, "BAD_REQUEST"),
    same("records that are none", {"dataframe_records": {"a": 1}}, 400, "BAD_REQUEST"),
    same("a missing column", {"dataframe_records": [{"a": 1.0}]}, 400, "INVALID_PARAMETER_VALUE"),
    same("a parameter of another type", {**GOOD, "params": {"sleep": "secret"}}, 400, "INVALID_PARAMETER_VALUE"),
    *(
        same(f"the model raises {code}", {**GOOD, "params": {"code": code}}, status, code)
        for code, status in (("RESOURCE_DOES_NOT_EXIST", 404), ("RESOURCE_EXHAUSTED", 429), ("NOT_IMPLEMENTED", 501))
    ),
    same("too late", {**GOOD, "params": {"sleep": 4.0}}, 504),
    Case("no Content-Type", GOOD, (500, ""), (200, ""), media=None, why="MLflow's server crashes on it"),
    Case("capitals", GOOD, (415, ""), (200, ""), media="APPLICATION/JSON", why="HTTP allows them"),
    Case("a quoted charset", GOOD, (415, ""), (200, ""), media='application/json; charset="utf-8"', why="as above"),
    Case("a parameter of the type", GOOD, (415, ""), (200, ""), media="application/json; v=1", why="as above"),
    Case(
        "Parquet without pyarrow",
        b"PAR1",
        (400, "BAD_REQUEST"),
        (415, "BAD_REQUEST"),
        (415, ""),
        media="application/vnd.apache.parquet",
        why="it is not the client's fault",
    ),
    Case(
        "a fraction for a whole number",
        {"dataframe_records": [{"a": 1.0, "b": 2.5}]},
        (200, ""),
        (400, "INVALID_PARAMETER_VALUE"),
        why="MLflow's server cuts it off silently",
    ),
    Case(
        "parameters that are no object",
        {**GOOD, "params": [1]},
        (400, "INVALID_PARAMETER_VALUE"),
        (400, "BAD_REQUEST"),
        why="what is not written as the protocol says has one code here",
    ),
    Case(
        "text for a number",
        {"dataframe_records": [{"a": "secret", "b": 2}]},
        (400, "BAD_REQUEST"),
        (400, "INVALID_PARAMETER_VALUE"),
        why="a value that does not fit has one code here",
    ),
    Case(
        "the table of MLflow 1.x",
        {"columns": ["a", "b"], "data": [[1.0, 2]]},
        (415, ""),
        (200, ""),
        media="application/json; format=pandas-split",
        why="the type says what it is",
    ),
    Case(
        "the model raises",
        {**GOOD, "params": {"fail": True}},
        (400, "BAD_REQUEST"),
        (500, "INTERNAL_ERROR"),
        (400, "BAD_REQUEST"),
        why="it is not the client's fault",
    ),
]


@pytest.fixture(scope="module")
def servers(start, tmp_path_factory):
    """MLflow's own server, this one, and this one with ENVBUILD_COMPAT=mlflow, all with the same model."""
    folder = tmp_path_factory.mktemp("contract")
    (folder / "code").mkdir()
    (folder / "code" / "told.py").write_text(MODEL)
    inputs = [
        {"type": "double", "name": "a", "required": True},
        {"type": "long", "name": "b", "required": True},
        {"type": "string", "name": "s", "required": False},
    ]
    params = [
        {"name": "sleep", "type": "double", "default": 0.0, "shape": None},
        {"name": "nan", "type": "boolean", "default": False, "shape": None},
        {"name": "fail", "type": "boolean", "default": False, "shape": None},
        {"name": "code", "type": "string", "default": "", "shape": None},
    ]
    content = {
        "flavors": {"python_function": {"loader_module": "told", "code": "code", "python_version": "3.11.7"}},
        "signature": {"inputs": json.dumps(inputs), "params": json.dumps(params)},
    }
    (folder / "MLmodel").write_text(json.dumps(content))
    there = {"AZUREML_MODEL_DIR": str(folder), "MLFLOW_MODEL_FOLDER": "."}
    late = {"MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": "2", "SCORING_TIMEOUT_MS": "2000"}
    started = [
        start("envbuild_runtime.mlflow", **there, **late),
        start(**there, **late, WORKER_COUNT="2"),
        start(**there, **late, WORKER_COUNT="2", ENVBUILD_COMPAT="mlflow"),
    ]
    return dict(zip(("original", "own", "compat"), (each.wait_until_up(path="/ping") for each in started), strict=True))


def ask(server, case):
    """Return status, media type and text; http.client adds no Content-Type of its own."""
    body = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", "/invocations", body, {} if case.media is None else {"Content-Type": case.media})
    with connection.getresponse() as reply:
        return reply.status, reply.headers.get_content_type(), reply.read().decode()


def code(text):
    """The error_code of a body, if it has one."""
    try:
        content = json.loads(text)
    except ValueError:
        return ""
    return content.get("error_code", "") if isinstance(content, dict) else ""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_same_request_is_answered_the_same_or_differs_for_a_reason(servers, case):
    assert bool(case.own) == bool(case.why)
    original_status, original_type, original = ask(servers["original"], case)
    assert original_status == case.original[0], original
    assert code(original) == case.original[1], original
    for name, expected in (("own", case.own or case.original), ("compat", case.compat or case.own or case.original)):
        status, media_type, text = ask(servers[name], case)
        assert status == expected[0], f"{name}: {text}"
        assert "secret" not in text
        assert "Traceback" not in text
        if status == 200:
            predictions = json.loads(text)
            predictions = predictions["predictions"] if isinstance(predictions, dict) else predictions
            assert predictions == [{**ROW, "y": 1.0}]
            if original_status == 200:
                assert json.loads(text) == json.loads(original)
        elif status == 415 and name == "compat":
            assert (media_type, code(text)) == ("text/plain", "")
        else:
            assert media_type == "application/json"
            assert set(json.loads(text)) == {"error_code", "message"}
            assert code(text) == (expected[1] or {415: "BAD_REQUEST", 504: "DEADLINE_EXCEEDED"}[status])
        if original_status == status == 415 and name == "compat":
            assert media_type == original_type


def test_a_prediction_of_nan_is_null_where_mlflow_writes_no_json(servers):
    case = Case("nan", {**GOOD, "params": {"nan": True}}, (200, ""))
    assert '"y": NaN' in ask(servers["original"], case)[2]
    for name in ("own", "compat"):
        assert json.loads(ask(servers[name], case)[2]) == {"predictions": [{**ROW, "y": None}]}


@pytest.mark.parametrize("path", ["/ping", "/health", "/version"])
def test_the_other_routes_are_the_same(servers, path):
    original, own = servers["original"].get(path), servers["own"].get(path)
    assert (own.status, own.text) == (original.status, original.text)
    assert own.headers["content-type"] == original.headers["content-type"] == "application/json"


def test_the_wrong_method_is_405(servers):
    for server in servers.values():
        assert server.get("/invocations").status == 405
        assert server.post("/ping", b"").status == 405
