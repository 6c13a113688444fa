"""What the envbuild server says to requests, good and bad."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def diabetes(start, model):
    return start(arguments=("serve",), ENVBUILD_MAX_BODY="4000", **model("diabetes")).wait_until_up()


@pytest.fixture(scope="module")
def pricing(start, model):
    return start(**model("pyfunc-code")).wait_until_up()


def test_says_that_it_lives(diabetes):
    assert (diabetes.get("/").status, diabetes.get("/").text) == (200, "Healthy")
    assert (diabetes.get("/ping").status, diabetes.get("/ping").text) == (200, "\n")


def test_the_health_check_finds_it(diabetes, runtime_python, site):
    script = site / "envbuild_runtime" / "health.py"
    command = [runtime_python, "-S", "-E", script]
    assert subprocess.run(command, env={"PORT": str(diabetes.port)}).returncode == 0
    assert subprocess.run(command, env={"PORT": "1"}, stderr=subprocess.DEVNULL).returncode == 1


def test_a_missing_column_is_named(diabetes, example):
    body, _ = example("diabetes")
    table = body["dataframe_split"]
    less = {"columns": table["columns"][1:], "data": [row[1:] for row in table["data"]]}

    score = diabetes.post("/score", {"input_data": less})
    assert score.status == 400
    assert score.json["message"].startswith("input_data: missing column 'age'")

    invocations = diabetes.post("/invocations", {"dataframe_split": less})
    assert invocations.status == 400
    assert invocations.json["error_code"] == "INVALID_PARAMETER_VALUE"
    assert "missing column 'age'" in invocations.json["message"]


def test_columns_are_found_by_name_and_unknown_ones_left_out(diabetes, example):
    body, expected = example("diabetes")
    table = body["dataframe_split"]
    backwards = {
        "columns": ["extra", *table["columns"][::-1]],
        "data": [["x", *row[::-1]] for row in table["data"]],
        "index": ["a", "b", "c"],
    }
    assert diabetes.post("/score", {"input_data": backwards}).json == pytest.approx(expected)


@pytest.mark.parametrize("key", ["dataframe_records", "instances", "inputs"])
def test_records_and_columns_are_tables_too(diabetes, example, key):
    body, expected = example("diabetes")
    table = body["dataframe_split"]
    value = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    if key == "inputs":
        value = {name: [record[name] for record in value] for name in table["columns"]}
    assert diabetes.post("/invocations", {key: value}).json["predictions"] == pytest.approx(expected)
    assert diabetes.post("/score", {"input_data": value}).json == pytest.approx(expected)


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [
        ("/score", b"", 400, "empty"),
        ("/score", b"{", 400, "could not be decoded as JSON"),
        ("/score", b"[1]", 400, "should be a JSON dictionary"),
        ("/score", b"{}", 400, "'input_data'"),
        ("/score", b'{"input_data": 5}', 400, "has to be a table"),
        ("/score", b'{"input_data": [[1, 2]]}', 400, "2 unnamed columns, the model takes 10"),
        ("/invocations", b"{}", 400, "exactly one of"),
        ("/invocations", b'{"inputs": [], "instances": []}', 400, "exactly one of"),
        ("/invocations", b'{"dataframe_split": [1]}', 400, "has to be an object"),
        ("/score", b'{"input_data": [[' + b"1," * 4000 + b"1]]}", 413, "larger than 4000 bytes"),
    ],
)
def test_bad_bodies_are_refused_with_the_reason(diabetes, path, body, status, text):
    reply = diabetes.request("POST", path, body, {"Content-Type": "application/json"})
    assert reply.status == status
    assert text in reply.json["message"]


def test_routes_methods_and_content_types(diabetes):
    assert diabetes.get("/nothing").status == 404
    assert diabetes.request("PUT", "/score", {}).status == 405
    assert diabetes.get("/invocations").json["error_code"] == "BAD_REQUEST"
    assert diabetes.post("/score", b"{}", Content_Type="text/csv").status == 415
    assert diabetes.post("/score", b"{}", Content_Type="application/json; charset=latin-1").status == 415
    assert diabetes.post("/score", b"{}", Content_Type='Application/JSON; charset="UTF-8"').status == 400


def test_identifiers_go_out_as_they_came_in(diabetes):
    reply = diabetes.post("/score", {}, x_request_id="a", x_ms_client_request_id="c")
    assert (reply.headers["x-request-id"], reply.headers["x-ms-request-id"]) == ("a", "c")
    assert reply.headers["x-ms-client-request-id"] == "c"
    assert diabetes.post("/score", {}).headers["x-request-id"]
    assert diabetes.post("/score", {}, x_request_id="x" * 101).status == 431


def test_metrics_count_requests(diabetes, example):
    diabetes.post("/invocations", example("diabetes")[0])
    text = diabetes.get("/metrics").text
    assert 'envbuild_requests_total{route="/invocations",status="200"}' in text
    assert "envbuild_prediction_seconds_bucket" in text


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        (
            "quantity",
            2.5,
            "expected a whole number from -9223372036854775808 to 9223372036854775807 (long), got a number",
        ),
        ("quantity", None, "(long), got null"),
        ("quantity", 2**63, "(long), got a whole number out of range"),
        ("gift", "false", "expected true or false (boolean), got a string"),
        ("ordered", "next week", "expected a time in ISO 8601 with a year from 1678 to 2261 (datetime), got a string"),
        ("ordered", 1700000000000, "(datetime), got a whole number"),
        ("sku", ["next week"], "expected a string (string), got a list"),
        ("discount", "next week", "expected a number (double), got a string that is no number"),
    ],
)
def test_values_are_not_bent_to_fit(pricing, example, column, value, reason):
    table = example("pyfunc-code")[0]["dataframe_split"]
    table["data"][1][table["columns"].index(column)] = value
    reply = pricing.post("/invocations", {"dataframe_split": table})
    assert reply.status == 400
    assert reply.json["message"].startswith(f"column {column!r}, row 1: expected ")
    assert reason in reply.json["message"]
    assert "next week" not in reply.text


def test_values_that_lose_nothing_are_read(pricing, example):
    body, _ = example("pyfunc-code")
    table = body["dataframe_split"]
    same = {
        "quantity": lambda cell: str(cell),
        "gift": int,
        "discount": lambda cell: None if cell is None else str(cell),
    }
    loose = [
        [same.get(name, lambda cell: cell)(cell) for name, cell in zip(table["columns"], row, strict=True)]
        for row in table["data"]
    ]
    wanted = pricing.post("/invocations", body)
    assert wanted.status == 200
    given = {"columns": table["columns"], "data": loose}
    assert pricing.post("/invocations", {"dataframe_split": given}).json == wanted.json


def test_the_models_own_error_is_500_and_its_traceback_stays_in_the_log(pricing, example):
    table = example("pyfunc-code")[0]["dataframe_split"]
    table["data"][0][0] = "unheard-of"
    reply = pricing.post("/score", {"input_data": table})
    assert reply.status == 500
    assert "Traceback" not in reply.text
    assert "unheard-of" not in reply.text
    assert reply.headers["x-ms-run-function-failed"] == "True"
    assert "KeyError: 'unheard-of'" in pricing.log


def test_parameters_are_checked(start, model, example, azure_body):
    server = start(**model("params")).wait_until_up()
    body = azure_body(example("params")[0])
    assert server.post("/score", {"input_data": body["input_data"]}).json == [1.0, 4.0, 9.0]
    assert server.post("/score", {**body, "params": None}).json == [1.0, 4.0, 9.0]
    assert server.post("/score", {"input_data": body["input_data"], "params": {"other": 1}}).json == [1.0, 4.0, 9.0]
    refused = server.post("/score", {**body, "params": [1]})
    assert (refused.status, refused.json) == (400, {"message": "'params' has to be an object, got a list"})
    wrong = server.post("/score", {**body, "params": {"exponent": "three"}})
    assert (wrong.status, wrong.json) == (
        400,
        {"message": "param 'exponent': expected a number (double), got a string that is no number"},
    )


def test_without_a_model_it_ends_with_3_and_says_where_it_looked(start, tmp_path):
    server = start(AZUREML_MODEL_DIR=str(tmp_path))
    assert server.popen.wait(60) == 3
    assert f"no MLmodel in {tmp_path}" in server.log
    assert "Traceback" not in server.log


def test_a_model_that_cannot_be_loaded_ends_with_3_and_a_traceback(start, tmp_path):
    (tmp_path / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: no_such_module\n")
    server = start(AZUREML_MODEL_DIR=str(tmp_path), MLFLOW_MODEL_FOLDER=".")
    assert server.popen.wait(60) == 3
    assert "no_such_module" in server.log
    assert "Traceback" in server.log


def test_a_bad_port_is_refused(start, model):
    server = start(**{**model("diabetes"), "PORT": "80x"})
    assert server.popen.wait(60) == 3
    assert "PORT is '80x'" in server.log


SLOW = """
import threading, time
running = 0
most = 0
def init():
    pass
def run(body):
    global running, most
    running += 1
    most = max(most, running)
    time.sleep(0.4)
    running -= 1
    return most
"""


@pytest.mark.parametrize(("limit", "most"), [("1", 1), ("3", 3)])
def test_predictions_run_one_at_a_time_unless_told_otherwise(start, tmp_path, limit, most):
    (tmp_path / "score.py").write_text(SLOW)
    server = start(
        AML_APP_ROOT=str(tmp_path), AZUREML_ENTRY_SCRIPT="score.py", ENVBUILD_MAX_CONCURRENT=limit
    ).wait_until_up()
    with ThreadPoolExecutor(3) as pool:
        replies = [pool.submit(server.post, "/score", b"{}") for _ in range(3)]
        time.sleep(0.1)
        # The event loop stays free meanwhile.
        assert server.get("/").status == 200
    assert max(reply.result().json for reply in replies) == most


def test_sigterm_lets_the_running_request_finish(start, tmp_path):
    (tmp_path / "score.py").write_text(SLOW.replace("0.4", "1.5"))
    server = start(AML_APP_ROOT=str(tmp_path), AZUREML_ENTRY_SCRIPT="score.py").wait_until_up()
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(server.post, "/score", b"{}")
        time.sleep(0.5)
        assert server.stop() == 0
        assert reply.result().status == 200


def test_a_prediction_without_end_does_not_keep_the_process(start, tmp_path):
    (tmp_path / "score.py").write_text(SLOW.replace("0.4", "600"))
    server = start(
        AML_APP_ROOT=str(tmp_path), AZUREML_ENTRY_SCRIPT="score.py", ENVBUILD_GRACE_SECONDS="1"
    ).wait_until_up()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(server.post, "/score", b"{}")
        time.sleep(0.5)
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < 10
