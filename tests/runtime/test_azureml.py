"""/score, / and their headers: the same requests to envbuild's server and to Azure ML's own.

The latter serves the model with envbuild's scoring script, so what is compared is the protocol. Where envbuild differs
on purpose is at the end.
"""

from __future__ import annotations

import http.client
import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest

pytestmark = [pytest.mark.network, pytest.mark.slow]

OWN, AZURE = "envbuild_runtime", "envbuild_runtime.azureml"
ORIGINS = "http://a.example, https://b.example"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try "
    "again."
)
SCRIPT_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."


@pytest.fixture(scope="module", params=[OWN, AZURE])
def served(request, start, model, site):
    script = {"AML_APP_ROOT": str(site / "envbuild_runtime"), "AZUREML_ENTRY_SCRIPT": "mlflow_score_script.py"}
    chosen = script if request.param == AZURE else {}
    return start(request.param, AML_CORS_ORIGINS=ORIGINS, **chosen, **model("diabetes")).wait_until_up()


@pytest.fixture(scope="module")
def table(example):
    return example("diabetes")[0]["dataframe_split"]


@pytest.fixture(scope="module")
def predicted(example):
    return pytest.approx(example("diabetes")[1])


def exchange(port, method, path, body=None, headers=()):
    """Send a request; status, headers in lower case, text."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body=body, headers=dict(headers))
    answer = connection.getresponse()
    text = answer.read().decode()
    given = {name.lower(): value for name, value in answer.getheaders()}
    connection.close()
    return answer.status, given, text


def test_says_that_it_lives(served):
    status, headers, text = exchange(served.port, "GET", "/")
    assert (status, text) == (200, "Healthy")
    assert UUID.fullmatch(headers["x-request-id"])
    assert headers["x-ms-server-version"]
    assert exchange(served.port, "HEAD", "/")[0] == 200


def test_a_prediction_comes_bare_with_its_headers(served, table, predicted):
    reply = served.post("/score", {"input_data": table, "params": None, "more": {"ignored": [1]}})
    assert (reply.status, reply.json) == (200, predicted)
    headers = {name.lower(): value for name, value in reply.headers.items()}
    assert headers["content-type"] == "application/json"
    assert headers["x-ms-run-function-failed"] == "False"
    assert re.fullmatch(r"\d+\.\d{3}", headers["x-ms-run-fn-exec-ms"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "POST body is empty. Expecting a JSON dictionary."),
        (b" ", "POST body could not be decoded as JSON: Expecting value: line 1 column 2 (char 1)"),
        (b'{"input_data": [1, ]}', None),
        (b'{"a": "secret', None),
        (b"secret", "POST body could not be decoded as JSON: Expecting value: line 1 column 1 (char 0)"),
        (b'{"a": 1} secret', "POST body could not be decoded as JSON: Extra data: line 1 column 10 (char 9)"),
        (b"[1]", "POST body should be a JSON dictionary."),
        (b"null", "POST body should be a JSON dictionary."),
        (b'"text"', "POST body should be a JSON dictionary."),
        (b"{}", "A value is not provided for the 'input_data' parameter."),
        (b'{"params": {}}', "A value is not provided for the 'input_data' parameter."),
    ],
)
def test_a_body_that_is_none_is_refused_in_the_same_words(served, body, message):
    reply = served.post("/score", body)
    assert reply.status == 400
    assert set(reply.json) == {"message"}
    if message is None:
        # Python's own words for it, which differ between its versions.
        with pytest.raises(json.JSONDecodeError) as problem:
            json.loads(body)
        message = f"POST body could not be decoded as JSON: {problem.value}"
    if "Illegal trailing comma" not in message:
        assert reply.json["message"] == message
    assert "secret" not in reply.text
    assert reply.headers["x-ms-run-function-failed"] == "False"
    assert "x-ms-run-fn-exec-ms" not in reply.headers


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "message"),
    [
        ("POST", "/score", "text/csv", 415, "Expects Content-Type to be application/json"),
        ("POST", "/score", "application/x-www-form-urlencoded", 415, "Expects Content-Type to be application/json"),
        ("PUT", "/score", "application/json", 405, "The method is not allowed for the requested URL."),
        ("POST", "/", "application/json", 405, "The method is not allowed for the requested URL."),
        ("DELETE", "/swagger.json", "application/json", 405, "The method is not allowed for the requested URL."),
        ("GET", "/scores", "application/json", 404, NOT_FOUND),
        ("GET", "/score/", "application/json", 404, NOT_FOUND),
    ],
)
def test_routes_methods_and_types(served, method, path, sent, status, message):
    given, headers, text = exchange(served.port, method, path, b"{}", {"Content-Type": sent})
    assert (given, json.loads(text)) == (status, {"message": message})
    assert headers["content-type"] == "application/json"
    if "allow" in headers:
        # Azure ML's server does not say it.
        allowed = set(headers["allow"].replace(" ", "").split(","))
        assert {"/": {"GET", "HEAD"}, "/score": {"GET", "POST"}, "/swagger.json": {"GET", "HEAD"}}[path] <= allowed


@pytest.mark.parametrize("sent", ["application/json; charset=utf-8", "application/vnd.x+json", "Application/JSON"])
def test_json_under_its_other_names(served, sent):
    assert exchange(served.port, "POST", "/score", b"[]", {"Content-Type": sent})[0] == 400


def test_a_get_asks_with_its_query(served, table, predicted):
    asked = f"/score?input_data={quote(json.dumps(table))}"
    assert served.get(asked).json == predicted
    assert served.get(f"{asked}&params=null&more=text").json == predicted
    missing = served.get("/score?params=1")
    assert (missing.status, missing.json["message"]) == (400, "A value is not provided for the 'input_data' parameter.")


def test_options_and_head(served):
    status, headers, text = exchange(served.port, "OPTIONS", "/score")
    assert (status, text) == (200, "")
    assert headers["x-ms-run-function-failed"] == "False"
    assert "x-ms-run-fn-exec-ms" not in headers
    assert exchange(served.port, "HEAD", "/score")[0] == 405


A, B, C = "x-request-id", "x-ms-request-id", "x-ms-client-request-id"


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ({}, {A: "new", B: "new"}),
        ({A: "a"}, {A: "a", B: "a"}),
        ({B: "b"}, {A: "new", B: "b", C: "b"}),
        ({C: "c"}, {A: "new", B: "c", C: "c"}),
        ({B: "b", C: "c"}, {A: "new", B: "b", C: "c"}),
        ({A: "a", C: "c", "TraceId": "t"}, {A: "a", B: "c", C: "c", "traceid": "t"}),
        ({A: "a" * 100, B: "b" * 100, C: "c" * 100}, {A: "a" * 100, B: "b" * 100, C: "c" * 100}),
    ],
)
@pytest.mark.parametrize("path", ["/", "/score", "/swagger.json"])
def test_identifiers(served, path, sent, answered):
    _, headers, _ = exchange(served.port, "GET", path, None, sent)
    new = headers[A]
    assert {name: headers[name] for name in (A, B, C, "traceid") if name in headers} == {
        name: new if value == "new" else value for name, value in answered.items()
    }
    assert answered[A] != "new" or UUID.fullmatch(new)


@pytest.mark.parametrize(
    ("sent", "named", "kept"),
    [
        ({A: "a" * 101}, "x-request-id must not exceed 100 characters", {}),
        ({A: "a", B: "b" * 101}, "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters", {A: "a"}),
        ({A: "a", C: "c" * 101}, "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters", {A: "a"}),
    ],
)
def test_identifiers_that_are_too_long(served, sent, named, kept):
    for method, path in (("POST", "/score"), ("GET", "/")):
        status, headers, text = exchange(served.port, method, path, None, {**sent, "TraceId": "t"})
        assert (status, json.loads(text)) == (431, {"message": named})
        assert {name: headers[name] for name in (A, B, C) if name in headers} == kept
        assert headers["traceid"] == "t"


def test_pages_of_the_origins_that_are_named(served, table):
    body = json.dumps({"input_data": table}).encode()
    for origin in ("http://a.example", "https://b.example"):
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a"}
        status, headers, _ = exchange(served.port, "OPTIONS", "/score", None, asked)
        assert status == 200
        assert headers["access-control-allow-origin"] == origin
        assert headers["access-control-allow-methods"] == "GET, POST"
        assert headers["access-control-allow-headers"] == "x-a"
        sent = {"Origin": origin, "Content-Type": "application/json"}
        status, headers, _ = exchange(served.port, "POST", "/score", body, sent)
        assert (status, headers["access-control-allow-origin"], headers["vary"]) == (200, origin, "Origin")
    for origin in ("http://c.example", "http://a.example.org"):
        status, headers, _ = exchange(served.port, "OPTIONS", "/score", None, {"Origin": origin})
        assert status == 200
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("version", ["9", "", "2.1", "v3"])
def test_versions_of_swagger_that_there_are_not(served, version):
    reply = served.get(f"/swagger.json?version={version}")
    assert reply.status == 404
    assert reply.json == {"message": f"Swagger version [{version}] is not valid. Supported versions: [2, 3, 3.1]."}


# What is envbuild's own.


@pytest.fixture(scope="module")
def compatible(start, model):
    return start(
        OWN,
        ENVBUILD_COMPAT="azureml",
        SERVER_VERSION_LOG_RESPONSE_ENABLED="false",
        AML_CORS_ORIGINS="https://*.b.example",
        **model("diabetes"),
    ).wait_until_up()


def test_a_value_that_does_not_fit_is_400_with_the_reason(served):
    reply = served.post("/score", {"input_data": {"columns": ["age"], "data": [[1]]}})
    assert reply.status == 400
    assert "'bmi'" in reply.json["message"]


@pytest.mark.parametrize(
    "value", [{"columns": ["age"], "data": [["secret"]]}, "secret", ["secret"], [{"secret": 1}], None, 5]
)
def test_in_the_others_way_it_is_500_without_a_reason(compatible, value):
    reply = compatible.post("/score", {"input_data": value})
    assert (reply.status, reply.json) == (500, {"message": SCRIPT_FAILED})
    assert reply.headers["x-ms-run-function-failed"] == "True"
    assert "the request does not fit" in compatible.log


def test_in_the_others_way_what_is_no_request_stays_400(compatible, table):
    for body in (b"", b"{", b"[]", b"{}"):
        assert compatible.post("/score", body).status == 400
    assert compatible.post("/score", b"{}", Content_Type="text/csv").status == 415
    assert exchange(compatible.port, "POST", "/score", b"{}")[0] == 415
    good = compatible.post("/score", {"input_data": table})
    assert good.status == 200
    assert "x-ms-server-version" not in good.headers


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://a.b.example", True), ("https://A.B.example", True), ("https://b.example", False), ("null", False)],
)
def test_a_star_stands_for_a_part_of_an_origin(compatible, origin, allowed):
    _, headers, _ = exchange(compatible.port, "GET", "/", None, {"Origin": origin})
    assert headers.get("access-control-allow-origin") == (origin if allowed else None)
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    status, headers, _ = exchange(compatible.port, "OPTIONS", "/invocations", None, asked)
    assert (status == 200, "access-control-allow-methods" in headers) == (allowed, allowed)


def test_more_that_is_read_than_the_other_reads(start, model, table, predicted):
    unused = {"AZUREML_DEBUG_PORT": "5678", "WORKER_PRELOAD": "false"}
    server = start(OWN, AML_CORS_ORIGINS="*", **unused, **model("diabetes")).wait_until_up()
    assert "set, and not heeded by this server: AZUREML_DEBUG_PORT" in server.log
    assert "WORKER_PRELOAD" not in server.log
    body = json.dumps({"input_data": table}).encode()
    # No content type at all is taken for JSON, and a body that is not UTF-8 is the client's fault.
    status, headers, text = exchange(server.port, "POST", "/score", body, {"Origin": "http://any.example"})
    assert (status, json.loads(text)) == (200, predicted)
    assert headers["access-control-allow-origin"] == "*"
    assert headers["x-ms-server-version"].startswith("envbuild/")
    bad = server.post("/score", b'{"a": "\xff"}')
    assert (bad.status, bad.json["message"]) == (
        400,
        "POST body could not be decoded as JSON: invalid utf-8 at byte 7",
    )
    deep = server.post("/score", b'{"input_data": ' + b"[" * 100_000)
    assert (deep.status, deep.json["message"]) == (
        400,
        "POST body could not be decoded as JSON: it is nested too deeply",
    )
    assert server.post("/score", json.dumps({"input_data": table}).encode("utf-16")).json == predicted


def test_the_version_is_the_packages_own():
    import envbuild.runtime

    text = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    (version,) = re.findall(r'^version = "(.+)"$', text, re.MULTILINE)
    assert envbuild.runtime.__version__ == version
