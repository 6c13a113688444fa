"""What a trial says of servers that answer well, and of those that do not."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from envbuild.errors import ServerError
from envbuild.local.checks import Check, Trial
from envbuild.local.trial import run_trial
from envbuild.progress import SILENT

BODY_LIMIT = 1000
TABLE = {"dataframe_split": {"columns": ["a"], "data": [[1.0], [2.0]]}}
KNOWN = {
    "script": False,
    "columns": [{"name": "a", "type": "double", "required": True}],
    "source": "serving_input_example.json",
    "request": TABLE,
    "predictions": [2.0, 4.0],
    "tolerance": 1e-9,
    "repeatable": True,
}
Reply = tuple[int, str]


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envbuild.local.trial.BODY_LIMIT", BODY_LIMIT)


def doubled(content: Any) -> list[float]:
    split = content.get("input_data") or content.get("dataframe_split")
    return [row[split["columns"].index("a")] * 2 for row in split["data"]]


def well(method: str, path: str, body: bytes) -> Reply:
    """A server that does everything right."""
    if method == "GET":
        return (200, "") if path in ("/ping", "/") else (404, "{}")
    if method != "POST":
        return 405, '{"message": "no"}'
    if len(body) > BODY_LIMIT:
        return 413, '{"message": "too large"}'
    try:
        found = doubled(json.loads(body))
        assert all(isinstance(value, float) for value in found)
    except Exception:
        return 400, '{"message": "no"}'
    return 200, json.dumps({"predictions": found} if path == "/invocations" else found)


def with_infer(method: str, path: str, body: bytes) -> Reply:
    """The same, with the Open Inference protocol."""
    if (method, path) == ("GET", "/v2/models/model"):
        return 200, json.dumps({"inputs": [{"name": "a", "datatype": "FP64", "shape": [-1]}]})
    if path != "/v2/models/model/infer" or method != "POST" or not body.startswith(b'{"inputs"'):
        return well(method, path, body)
    (part,) = json.loads(body)["inputs"]
    data = [value * 2 for value in part["data"]]
    return 200, json.dumps({"outputs": [{"name": "output-0", "shape": part["shape"], "data": data}]})


@dataclass
class Served:
    """A server of this process, which stops when it is told to."""

    address: tuple[str, int]
    server: str = "envbuild"
    known: Mapping[str, Any] = field(default_factory=lambda: KNOWN)
    end: str = ""
    stopped: tuple[bool, str] = (True, "")
    name = "m"
    where = "in this process"
    model_name = "model"

    def ended(self) -> str:
        return self.end

    def log(self) -> str:
        return "a log"

    def expected(self, seconds: float) -> Mapping[str, Any]:
        if not self.known:
            raise ServerError("the model did not answer")
        return self.known

    def stop(self) -> tuple[bool, str]:
        return self.stopped


class Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, behaviour: Callable[[str, str, bytes], Reply], *arguments: Any) -> None:
        self._behaviour = behaviour
        super().__init__(*arguments)

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, text = self._behaviour(self.command, self.path, body)
        if not status:
            self.connection.close()
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = _answer  # noqa: N815

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def serving(behaviour: Callable[[str, str, bytes], Reply]) -> Iterator[tuple[str, int]]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, behaviour)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield ("127.0.0.1", server.server_address[1])
        server.shutdown()


def trial(behaviour: Callable[[str, str, bytes], Reply] = well, **about: Any) -> Trial:
    with serving(behaviour) as address:
        return run_trial(Served(address, **about), SILENT, timeout=10)


def failed(found: Trial) -> dict[str, str]:
    return {check.name: check.reason for check in found.checks if check.result == "failed"}


def names(found: Trial) -> list[str]:
    return [check.name for check in found.checks]


def test_a_server_that_answers_as_the_model_does_passes() -> None:
    found = trial()
    assert failed(found) == {}
    assert found.passed
    assert found.log == ""
    each = ["no JSON", "an empty body", "a column is missing", "a word for a number", "a wrong method"]
    each += ["a body that is too large"]
    assert names(found) == [
        "ready",
        "the model's own predict",
        "/score (Azure ML)",
        "/invocations (MLflow)",
        *(f"/score: {what}" for what in each),
        *(f"/invocations: {what}" for what in each),
        "/score afterwards",
        "stops gently",
    ]


def test_the_open_inference_protocol_is_tried_where_there_is_one() -> None:
    found = trial(with_infer)
    assert failed(found) == {}
    assert "/v2/models/model/infer (Open Inference)" in names(found)

    def wrong(method: str, path: str, body: bytes) -> Reply:
        status, text = with_infer(method, path, body)
        return status, text.replace("4.0", "5.0") if path.endswith("/infer") else text

    assert failed(trial(wrong)) == {
        "/v2/models/model/infer (Open Inference)": "[1]: the answer is 5.0, and the model gives 4.0"
    }


def test_a_model_s_name_may_be_any_text() -> None:
    def named(method: str, path: str, body: bytes) -> Reply:
        return with_infer(method, path.replace("/models/the%20model%2F%C3%BC", "/models/model"), body)

    with serving(named) as address:
        served = Served(address)
        served.model_name = "the model/ü"
        found = run_trial(served, SILENT, timeout=10)
    assert failed(found) == {}
    assert "/v2/models/the%20model%2F%C3%BC/infer (Open Inference)" in names(found)


def test_another_answer_than_the_model_s_fails() -> None:
    found = trial(known={**KNOWN, "predictions": [2.0, 4.1]})
    told = "[1]: the answer is 4.0, and the model gives 4.1"
    assert failed(found) == dict.fromkeys(("/score (Azure ML)", "/invocations (MLflow)", "/score afterwards"), told)
    assert not found.passed
    assert found.log == "a log"


def test_a_model_that_answers_differently_each_time_cannot_be_compared() -> None:
    found = trial(known={**KNOWN, "predictions": [2.0, 4.1], "repeatable": False})
    assert found.passed
    assert "nothing to compare" in found.checks[2].reason


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ((500, '{"message": "no"}'), "the server answers 500"),
        ((200, "[]"), "the server answers 200"),
        ((400, "no"), "the server answers 400 without JSON"),
        ((400, "{}"), "the server answers 400 without a message"),
        ((400, '{"message": "Traceback (most recent call last): x"}'), "the server answers 400 with a traceback"),
    ],
)
def test_a_refusal_that_is_none_fails_but_under_servers_of_others(reply: Reply, told: str) -> None:
    def rude(method: str, path: str, body: bytes) -> Reply:
        answer = well(method, path, body)
        return reply if answer[0] == 400 else answer

    found = failed(trial(rude))
    assert set(found.values()) == {told}
    assert len(found) == 8
    theirs = trial(rude, server="azureml")
    assert theirs.passed
    assert Check(
        name="/score: no JSON", result="passed", seconds=0.0, reason=told.replace("the server", "Azure ML's server")
    ) in [Check(name=c.name, result=c.result, reason=c.reason) for c in theirs.checks]


def test_a_server_that_hangs_up_fails_and_what_follows_is_tried_all_the_same() -> None:
    found = trial(lambda method, path, body: (0, "") if body == b"" and method == "POST" else well(method, path, body))
    assert set(failed(found)) == {"/score: an empty body", "/invocations: an empty body"}
    assert "no answer" in failed(found)["/score: an empty body"]
    assert found.checks[-1].name == "stops gently"


def test_a_server_that_a_bad_request_has_broken_fails_afterwards() -> None:
    broken: list[bool] = []

    def fragile(method: str, path: str, body: bytes) -> Reply:
        answer = well(method, path, body)
        if answer[0] == 400:
            broken.append(True)
        return (500, '{"message": "broken"}') if broken and answer[0] == 200 else answer

    assert failed(trial(fragile)) == {"/score afterwards": 'answered 500: {"message": "broken"}'}


def test_one_that_ends_or_is_never_ready_is_asked_nothing() -> None:
    found = trial(lambda *_: (503, "Loading"), end="the server ended with exit code 3")
    assert [(check.name, check.reason) for check in found.checks] == [("ready", "the server ended with exit code 3")]
    assert found.log == "a log"
    with serving(lambda *_: (503, "Loading")) as address:
        found = run_trial(Served(address), SILENT, timeout=0.3)
    assert failed(found) == {"ready": "not ready after 0 seconds: GET /ping is answered with 503"}


def test_one_that_is_killed_fails() -> None:
    assert failed(trial(stopped=(False, "it was killed after 30 seconds"))) == {
        "stops gently": "it was killed after 30 seconds"
    }


@pytest.mark.parametrize("known", [{}, {"error": "ValueError: no", "columns": []}])
def test_a_model_that_does_not_answer_itself_fails_once(known: Mapping[str, Any]) -> None:
    found = trial(known=known)
    assert list(failed(found)) == ["the model's own predict"]
    skipped = [check.name for check in found.checks if check.result == "skipped"]
    assert skipped == ["/score (Azure ML)", "/invocations (MLflow)"]


def test_without_an_example_the_protocols_are_left_out_with_the_reason() -> None:
    found = trial(known={"script": False, "columns": [], "source": "", "why": "it has neither"})
    assert found.passed
    assert [c.reason for c in found.checks if c.result == "skipped"] == ["it has neither", "it has neither"]
    assert "/score: no JSON" in names(found)


def test_a_scoring_script_is_asked_only_what_any_server_must_refuse() -> None:
    found = trial(known={"script": True})
    assert names(found) == [
        "ready",
        "the model's own predict",
        "/score: a wrong method",
        "/score: a body that is too large",
        "stops gently",
    ]


def test_each_server_is_asked_what_it_speaks() -> None:
    assert "/invocations (MLflow)" not in names(trial(server="azureml"))
    theirs = names(trial(server="mlflow"))
    assert "/score (Azure ML)" not in theirs
    assert not any("too large" in name for name in theirs)


def test_the_rows_as_json() -> None:
    document = trial().as_json()
    assert (document["subject"], document["server"], document["passed"]) == ("m", "envbuild", True)
    assert document["checks"][0] == {
        "name": "ready",
        "result": "passed",
        "seconds": document["checks"][0]["seconds"],
        "reason": "",
        "hint": "",
    }
