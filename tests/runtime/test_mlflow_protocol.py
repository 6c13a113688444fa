"""MLflow's protocol over HTTP: what goes into /invocations, what comes back, and how faults are worded."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

pytestmark = [pytest.mark.network, pytest.mark.slow]

MODEL = """
import json
import numpy as np
import pandas as pd


def told(value):
    if isinstance(value, pd.DataFrame):
        return {"DataFrame": value.to_dict("list"), "types": {str(k): str(v) for k, v in value.dtypes.items()}}
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "type": str(value.dtype)}
    if isinstance(value, dict):
        return {name: told(part) for name, part in value.items()}
    return value


class Told:
    def predict(self, data, params=None):
        return {"data": told(data), "params": params}


def _load_pyfunc(path):
    return Told()
"""

FLAVORS = {"python_function": {"loader_module": "told", "code": "code", "python_version": "3.11.7"}}


@pytest.fixture(scope="module")
def serve(start, tmp_path_factory):
    """Start a server of a model that says what it is given, with the given members of MLmodel."""

    def run(variables=None, **members):
        folder = tmp_path_factory.mktemp("model")
        (folder / "code").mkdir()
        (folder / "code" / "told.py").write_text(MODEL)
        signature = {part: json.dumps(value) for part, value in members.pop("signature", {}).items()}
        (folder / "MLmodel").write_text(json.dumps({"flavors": FLAVORS, "signature": signature, **members}))
        there = {"AZUREML_MODEL_DIR": str(folder), "MLFLOW_MODEL_FOLDER": ".", **(variables or {})}
        return start(**there).wait_until_up()

    return run


@pytest.fixture(scope="module")
def table(serve):
    """A model of two columns and two parameters."""
    return serve(
        signature={
            "inputs": [
                {"type": "long", "name": "count", "required": True},
                {"type": "string", "name": "name", "required": True},
            ],
            "params": [
                {"name": "temperature", "type": "double", "default": 0.5, "shape": None},
                {"name": "stop", "type": "string", "default": ["."], "shape": [-1]},
            ],
        }
    )


@pytest.fixture(scope="module")
def free(serve):
    """A model without a signature of its input, but with a parameter."""
    return serve(signature={"params": [{"name": "temperature", "type": "double", "default": 0.5, "shape": None}]})


def given(server, body, **headers):
    """What the model was given."""
    reply = server.post("/invocations", body, **headers)
    assert reply.status == 200, reply.text + server.log
    return reply.json["predictions"]


TABLE = {"DataFrame": {"count": [1, 2], "name": ["a", "b"]}, "types": {"count": "int64", "name": "str"}}
RECORDS = [{"count": 1, "name": "a"}, {"name": "b", "count": 2}]
SPLIT = {"columns": ["name", "count"], "data": [["a", 1], ["b", 2]]}


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": SPLIT},
        {"dataframe_split": {**SPLIT, "index": [7, 8]}},
        {"dataframe_records": RECORDS},
        {"instances": RECORDS},
        {"instances": [[1, "a"], [2, "b"]]},
        {"instances": {"count": [1, 2], "name": ["a", "b"]}},
        {"inputs": RECORDS},
        {"inputs": {"count": [1, 2], "name": ["a", "b"]}},
        {"signature_name": "serving_default", "inputs": RECORDS, "more": 1},
    ],
    ids=lambda body: ",".join(body),
)
def test_a_table_may_be_written_in_many_ways(table, body):
    data = given(table, body)["data"]
    assert data["DataFrame"] == TABLE["DataFrame"]
    assert data["types"]["count"] == "int64"


def test_csv_is_read_by_the_signature(table):
    text = 'count,name,more\n1,a,x\n2,"b, ""c""\n",y\n'
    data = given(table, text.encode(), Content_Type="Text/CSV; Charset=UTF-8")["data"]
    assert data["DataFrame"] == {"count": [1, 2], "name": ["a", 'b, "c"\n']}
    zeros = given(table, b"count,name\n1,007\n", Content_Type="text/csv")["data"]
    assert zeros["DataFrame"] == {"count": [1], "name": ["007"]}
    reply = table.post("/invocations", b"count,name\nsecret,a\n", Content_Type="text/csv")
    assert (reply.status, reply.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "'count', row 0" in reply.json["message"]
    assert "secret" not in reply.text


def test_parquet_needs_pyarrow_which_this_image_has_not(table):
    reply = table.post("/invocations", b"PAR1", Content_Type="application/vnd.apache.parquet")
    assert (reply.status, reply.json["error_code"]) == (415, "BAD_REQUEST")
    assert "pyarrow" in reply.json["message"]


def test_parameters_go_to_the_model_and_unknown_ones_do_not(table):
    assert given(table, {"inputs": RECORDS})["params"] in ({"temperature": 0.5, "stop": ["."]}, None, {})
    params = given(table, {"inputs": RECORDS, "params": {"temperature": 1, "stop": ["x"], "more": 1}})["params"]
    assert params == {"temperature": 1.0, "stop": ["x"]}


def test_payloads_of_language_models_are_the_input_and_the_answer_is_not_wrapped(free):
    for body in (
        {"messages": [{"role": "user", "content": "hi"}], "n": 2},
        {"prompt": "hi"},
        {"input": ["a", "b"], "dataframe_split": {}},
    ):
        reply = free.post("/invocations", {**body, "temperature": 0.25})
        assert reply.status == 200, reply.text
        assert reply.json == {"data": body, "params": {"temperature": 0.25}}


def test_a_payload_of_a_language_model_that_the_signature_does_not_take_is_400(table):
    reply = table.post("/invocations", {"messages": [{"role": "user", "content": "secret"}]})
    assert (reply.status, reply.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "secret" not in reply.text


CHAT = """
from mlflow.models import set_model
from mlflow.pyfunc import ChatModel
from mlflow.types.llm import ChatChoice, ChatCompletionResponse, ChatMessage


class Echo(ChatModel):
    def predict(self, context, messages, params):
        said = ChatMessage(role="assistant", content=f"{messages[-1].content} {params.temperature}")
        return ChatCompletionResponse(choices=[ChatChoice(index=0, message=said)], model="echo")


set_model(Echo())
"""


def test_a_chat_model_that_mlflow_saved_is_asked_as_chats_are(start, runtime_python, tmp_path):
    (tmp_path / "chat.py").write_text(CHAT)
    save = "import mlflow.pyfunc; mlflow.pyfunc.save_model('model', python_model='chat.py', pip_requirements=[])"
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MLFLOW_DISABLE_TELEMETRY": "true"}
    subprocess.run([runtime_python, "-c", save], check=True, env=variables, cwd=tmp_path, timeout=180)
    server = start(AZUREML_MODEL_DIR=str(tmp_path)).wait_until_up()

    body = {"messages": [{"role": "user", "content": "hi"}], "temperature": 0.25}
    reply = server.post("/invocations", body)
    assert reply.status == 200, reply.text + server.log
    assert reply.json["choices"][0]["message"]["content"] == "hi 0.25"
    refused = server.post("/invocations", {"messages": "secret"})
    assert (refused.status, refused.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "secret" not in refused.text
    good = body["messages"][0]
    for message, got in (
        ({"role": "secret"}, "an object without 'content'"),
        ({"content": "secret"}, "an object without 'role'"),
        ({"role": "secret", "content": None}, "null as its 'content'"),
        ({"role": 5, "content": "secret"}, "a whole number as its 'role'"),
        ({**good, "refusal": "secret"}, "an object of other members"),
        ("secret", "a string"),
    ):
        refused = server.post("/invocations", {"messages": [good, message]})
        assert (refused.status, refused.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), refused.text
        assert refused.json["message"].startswith("body, messages[1]: expected a message with a 'role'")
        assert refused.json["message"].endswith(f", got {got}")
        assert "secret" not in refused.text
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    reply = server.post("/invocations", {"messages": [{"role": "assistant", "tool_calls": [call]}, good]})
    assert reply.status == 200, reply.text + server.log
    assert "Traceback" not in server.log


def test_without_a_signature_arrays_and_tables_are_told_apart(free):
    assert given(free, {"inputs": [[1, 2], [3, 4]]})["data"] == {"array": [[1, 2], [3, 4]], "type": "int64"}
    assert given(free, {"instances": [1.5, 2]})["data"] == {"array": [1.5, 2.0], "type": "float64"}
    assert given(free, {"dataframe_records": RECORDS})["data"]["DataFrame"] == TABLE["DataFrame"]
    assert given(free, {"instances": RECORDS})["data"]["types"]["count"] == "int64"


def test_a_model_of_type_hints_takes_inputs_alone_as_they_are(serve):
    server = serve(
        is_signature_from_type_hint=True,
        signature={"inputs": [{"type": "object", "properties": {"a": {"type": "long", "required": True}}}]},
    )
    assert given(server, {"inputs": [{"a": 1}]})["data"] == [{"a": 1}]
    reply = server.post("/invocations", {"instances": [{"a": 1}]})
    assert (reply.status, reply.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "needs 'inputs', not 'instances'" in reply.json["message"]


@pytest.mark.parametrize(
    ("media", "body"),
    [
        ("application/json; format=pandas-split", SPLIT),
        ("application/json; format=pandas-records; charset=UTF-8", RECORDS),
        ("application/json-numpy-split", SPLIT),
    ],
)
def test_the_content_types_of_mlflow_1_get_its_bare_answer(table, media, body):
    reply = table.post("/invocations", body, Content_Type=media)
    assert reply.status == 200, reply.text
    assert reply.json["data"]["DataFrame"] == TABLE["DataFrame"]


@pytest.mark.parametrize(
    ("body", "media", "status", "code", "words"),
    [
        (b"", "application/json", 400, "BAD_REQUEST", "empty"),
        (b"{", "application/json", 400, "BAD_REQUEST", "not JSON"),
        (SPLIT, "application/json", 400, "BAD_REQUEST", "found none"),
        (RECORDS, "application/json", 400, "BAD_REQUEST", "got a list"),
        ({"inputs": [], "instances": []}, "application/json", 400, "BAD_REQUEST", "found instances, inputs"),
        ({"dataframe_records": 5}, "application/json", 400, "BAD_REQUEST", "dataframe_records has to be a list"),
        ({"inputs": [{"count": 1}]}, "application/json", 400, "INVALID_PARAMETER_VALUE", "missing column 'name'"),
        (
            {"inputs": [{"count": 2**63, "name": "a"}]},
            "application/json",
            400,
            "INVALID_PARAMETER_VALUE",
            "column 'count', row 0",
        ),
        (
            {"inputs": RECORDS, "params": {"temperature": "secret"}},
            "application/json",
            400,
            "INVALID_PARAMETER_VALUE",
            "'temperature'",
        ),
        ({"inputs": RECORDS}, "text/plain", 415, "BAD_REQUEST", "text/csv, application/json"),
        ({"inputs": RECORDS}, "application/json; charset=utf-16", 415, "BAD_REQUEST", "utf-8"),
        ({"inputs": RECORDS}, "application/json; format=x", 415, "BAD_REQUEST", "pandas-split, pandas-records"),
    ],
)
def test_faults_have_a_code_and_say_where_they_are(table, body, media, status, code, words):
    reply = table.request(
        "POST", "/invocations", body if isinstance(body, bytes) else json.dumps(body).encode(), {"Content-Type": media}
    )
    assert (reply.status, reply.json["error_code"]) == (status, code), reply.text
    assert set(reply.json) == {"error_code", "message"}
    assert words in reply.json["message"]
    assert "secret" not in reply.text


def test_the_version_of_mlflow_is_bare_text(table):
    assert table.get("/version").text == "3.17.2"
    assert (table.get("/health").status, table.get("/health").text) == (200, "\n")


def test_sagemaker_starts_it_with_a_word_and_a_port(start, model, example):
    body, expected = example("diabetes")
    server = start("envbuild_runtime", ("serve",), **model("diabetes")).wait_until_up(path="/ping")
    assert server.post("/invocations", body).json["predictions"] == pytest.approx(expected)


def test_while_the_model_loads_it_is_not_healthy(start, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "told.py").write_text("import time\ntime.sleep(6)\n" + MODEL)
    (tmp_path / "MLmodel").write_text(json.dumps({"flavors": FLAVORS}))
    server = start(AZUREML_MODEL_DIR=str(tmp_path), MLFLOW_MODEL_FOLDER=".").wait_until_up(path="/version")
    assert server.get("/ping").status == 503
    reply = server.post("/invocations", {"inputs": [1]})
    assert (reply.status, reply.json["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert "Retry-After" in {name.title() for name in reply.headers}
