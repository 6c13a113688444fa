"""A scoring script that takes raw requests, and what each request to it is answered with under every server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

IMPORTS = {
    "api": "azureml_inference_server_http.api",
    "contrib": "azureml.contrib.services",
}
SCRIPT = """
import sys, time
from {package}.aml_request import AMLRequest, rawhttp
from {package}.aml_response import AMLResponse

def init():
    print("init has run")

def parts():
    yield "one\\n"
    time.sleep(1.5)
    yield "two\\n"

@rawhttp
def run(request):
    what = request.args.get("what")
    if what == "echo":
        return {{
            "method": request.method,
            "path": request.path,
            "args": request.args.getlist("a"),
            "data": request.get_data(as_text=True),
            "caller": request.headers.get("x-caller"),
            "type": request.content_type,
        }}
    if what == "form":
        files = {{name: [file.filename, file.read().decode()] for name, file in request.files.items()}}
        return {{"form": request.form.to_dict(), "files": files}}
    if what == "json":
        return {{"is_json": request.is_json, "json": request.get_json(silent=True)}}
    if what == "headers":
        return AMLResponse(
            "a,b", 201, {{"X-Many": "a, b", "Content-Type": "text/csv", "x-request-id": "mine", "X-One": "1"}}
        )
    if what == "coded":
        return AMLResponse({{"a": [1, None]}}, 418, json_str=True)
    if what == "none":
        return AMLResponse(None, 200)
    if what == "text":
        return AMLResponse("caf\\u00e9", 200)
    if what == "broken":
        return AMLResponse("no", 503)
    if what == "failed":
        return AMLResponse("yes", 200, run_function_failed=True)
    if what == "typed":
        return AMLResponse({{"a": 1}}, 200, {{"Content-Type": "text/x", "X-One": "1"}}, json_str=True)
    if what == "image":
        return AMLResponse(request.get_data(), 200, {{"Content-Type": "image/png"}})
    if what == "from":
        return {{"address": request.remote_addr, "lines": request.headers.get("X-Several"), "type": request.mimetype}}
    if what == "gone":
        return AMLResponse("body", 204)
    if what == "unchanged":
        return AMLResponse(parts(), 304)
    if what == "beyond":
        return AMLResponse("body", int(request.args["status"]))
    if what == "named":
        return AMLResponse("body", 200, {{request.args["name"]: request.args["value"]}})
    if what == "page":
        try:
            from flask import Response
        except ModuleNotFoundError:
            from werkzeug.wrappers import Response
        return Response("page", 202, {{"X-One": "1"}}, mimetype="text/plain")
    if what == "stream":
        return AMLResponse(parts(), 200, {{"Content-Type": "text/event-stream"}})
    if what == "generator":
        return parts()
    if what == "bytes":
        return iter([b"1", b"", bytearray(b"2")])
    if what == "nothing":
        return (part for part in ())
    if what == "breaks":
        return (1 / n if n < 2 else str(n) for n in (2, 1))
    if what == "fails":
        return (1 // 0 for n in (2, 1))
    if what == "exit":
        sys.exit(7)
    raise RuntimeError("what is " + str(what))
"""
FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
FORM = (
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\n\r\ntext\r\n--x--\r\n'
)


@dataclass(frozen=True)
class Case:
    """A request and its answer: `headers` must be among those of the answer, and `absent` must not."""

    what: str
    status: int
    content: Any
    """The text, or the JSON value where the answer is JSON."""
    method: str = "POST"
    body: bytes | None = b"body"
    sent: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""

    @property
    def path(self) -> str:
        return f"/score?what={self.what}{self.query}"


JSON = "application/json"
CASES = [
    Case(
        "echo",
        200,
        {"method": "POST", "path": "/score", "args": ["1", "é"], "data": "body", "caller": "me", "type": "text/x"},
        query="&a=1&a=%C3%A9",
        sent={"X-Caller": "me", "Content-Type": "text/x"},
        headers={"content-type": JSON, "x-ms-run-function-failed": "False"},
    ),
    Case(
        "echo",
        200,
        {"method": "GET", "path": "/score", "args": [], "data": "", "caller": None, "type": None},
        method="GET",
        body=None,
    ),
    Case(
        "echo",
        200,
        {"method": "OPTIONS", "path": "/score", "args": [], "data": "", "caller": None, "type": None},
        method="OPTIONS",
        body=None,
    ),
    Case(
        "form",
        200,
        {"form": {"a": "1"}, "files": {"f": ["f.txt", "text"]}},
        body=FORM,
        sent={"Content-Type": "multipart/form-data; boundary=x"},
    ),
    Case("json", 200, {"is_json": True, "json": {"a": 1}}, body=b'{"a": 1}', sent={"Content-Type": JSON}),
    Case("json", 200, {"is_json": True, "json": None}, body=b"{", sent={"Content-Type": JSON}),
    Case(
        "headers",
        201,
        "a,b",
        sent={"x-request-id": "theirs"},
        headers={
            "x-many": "a, b",
            "content-type": "text/csv",
            "x-request-id": "theirs",
            "x-one": "1",
            "x-ms-run-function-failed": "False",
        },
    ),
    Case("coded", 418, {"a": [1, None]}, headers={"content-type": JSON, "x-ms-run-function-failed": "False"}),
    Case("page", 202, "page", headers={"content-type": "text/plain", "x-one": "1"}),
    Case("none", 200, {}, headers={"content-type": JSON}),
    Case("text", 200, "café", headers={"content-type": "text/html; charset=utf-8"}),
    Case("broken", 503, "no", headers={"x-ms-run-function-failed": "True"}),
    Case("failed", 200, "yes", headers={"x-ms-run-function-failed": "True"}),
    Case("stream", 200, "one\ntwo\n", headers={"content-type": "text/event-stream"}),
    Case("else", 500, {"message": FAILED}, headers={"content-type": JSON, "x-ms-run-function-failed": "True"}),
]
LINES = (("X-Several", "1"), ("Content-Type", "text/x"), ("x-several", "2, 3"))
CAME = {"address": "127.0.0.1", "lines": "1,2, 3", "type": "text/x"}
"""A request with several lines of one name, and what a script sees of it."""
NAMES = [f"{case.what}-{case.method}-{number}" for number, case in enumerate(CASES)]


def place(folder: Any, imports: str, text: str = SCRIPT, more: str = "") -> dict[str, str]:
    """Write the script into `folder`; the environment variables that name it."""
    (folder / "score.py").write_text(more + text.format(package=IMPORTS[imports]), encoding="utf-8")
    return {"AML_APP_ROOT": str(folder), "AZUREML_ENTRY_SCRIPT": "score.py", "AZUREML_MODEL_DIR": str(folder)}


def exchange(port: int, case: Case) -> tuple[int, list[tuple[str, str]], bytes]:
    """Send a case's request; status, headers in lower case as they came, body."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(case.method, case.path, body=case.body, headers=dict(case.sent))
    answer = connection.getresponse()
    body = answer.read()
    headers = [(name.lower(), value) for name, value in answer.getheaders()]
    connection.close()
    return answer.status, headers, body


def send_lines(port: int, lines: Sequence[tuple[str, str]], path: str = "/score?what=from") -> Any:
    """Send a POST whose headers may repeat a name; the JSON of its answer."""
    import http.client
    import json

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("POST", path)
    for name, value in (*lines, ("Content-Length", "0")):
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return body


def check(port: int, case: Case) -> None:
    """Assert that the server on `port` answers a case as it has to be."""
    import json

    status, headers, body = exchange(port, case)
    assert status == case.status, body
    content = json.loads(body) if isinstance(case.content, dict) else body.decode()
    assert content == case.content
    given: dict[str, str] = {}
    for name, value in headers:
        given[name] = f"{given[name]}, {value}" if name in given else value
    for name, value in case.headers.items():
        if name == "content-type":
            assert given[name].replace("; charset=utf-8", "") == value.replace("; charset=utf-8", ""), given
        else:
            assert given.get(name) == value, given
    assert given["x-request-id"]
    assert given["x-ms-server-version"].startswith(("envbuild/", "azmlinfsrv/"))
    assert ("x-ms-run-fn-exec-ms" in given) or status == 500
