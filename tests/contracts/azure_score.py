"""/ and /score as Azure ML's server has them: routes, statuses, bodies and headers. Both servers keep to it.

With --server azureml it is Microsoft's own server that answers here, and only the value of a prediction comes from
envbuild's scoring script.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from asked import JSON, NOT_FOUND, UUID, answers, refuses, score
from containers import Container
from questions import Question

ENDS = "x-ms-run-function-failed"
TOOK = "x-ms-run-fn-exec-ms"
A, B, C = "x-request-id", "x-ms-request-id", "x-ms-client-request-id"
LONG_A = "x-request-id must not exceed 100 characters"
LONG_B = "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters"
ORIGINS = ("http://a.example", "https://b.example")


class Liveness:
    """GET /."""

    VERSION: str
    """What x-ms-server-version begins with."""

    def test_get_says_healthy(self, container: Container) -> None:
        found = container.exchange("GET", "/")
        assert (found.status, found.body) == (200, "Healthy")
        assert found.headers["x-ms-server-version"].startswith(self.VERSION)
        assert UUID.fullmatch(found.headers[A])
        assert container.exchange("HEAD", "/").status == 200

    def test_post_is_no_method_of_it(self, container: Container) -> None:
        refuses(
            container.exchange("POST", "/", {}, JSON), "The method is not allowed for the requested URL.", status=405
        )


class Score:
    """POST, GET and OPTIONS /score."""

    def test_post_gives_the_bare_prediction_with_its_headers(self, container: Container, question: Question) -> None:
        found = score(container, question.azure())
        answers(found, question.answer)
        assert found.headers["content-type"] == "application/json"
        assert found.headers[ENDS] == "False"
        assert re.fullmatch(r"\d+\.\d{3}", found.headers[TOOK])

    def test_get_asks_with_json_values_in_its_query(self, container: Container, question: Question) -> None:
        def query(value: Any) -> str:
            return quote(json.dumps(value, separators=(",", ":")), safe=",:[]{}")

        path = f"/score?input_data={query(question.value)}"
        for name, value in question.params.items():
            path += f"&{name}={query(value)}"
        answers(container.exchange("GET", path), question.answer)
        answers(container.exchange("GET", f"{path}&more=text"), question.answer)

    def test_get_without_its_query_is_400(self, container: Container) -> None:
        found = container.exchange("GET", "/score?params=1")
        refuses(found, "A value is not provided for the 'input_data' parameter.")

    def test_options_is_200_and_asks_no_model(self, container: Container) -> None:
        found = container.exchange("OPTIONS", "/score")
        assert (found.status, found.body) == (200, "")
        assert found.headers[ENDS] == "False"
        assert TOOK not in found.headers

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
    def test_other_methods_are_405(self, container: Container, method: str) -> None:
        found = container.exchange(method, "/score", {}, JSON)
        refuses(found, "The method is not allowed for the requested URL.", status=405)

    @pytest.mark.parametrize("path", ["/score/", "/scores", "/api/v1/score"])
    def test_other_paths_are_404(self, container: Container, path: str) -> None:
        found = container.exchange("POST", path, {}, JSON)
        refuses(found, status=404)
        assert found.body["message"] == NOT_FOUND

    @pytest.mark.parametrize("media", ["text/csv", "text/plain", "application/x-www-form-urlencoded"])
    def test_other_content_types_are_415(self, container: Container, question: Question, media: str) -> None:
        found = score(container, question.azure(), **{"Content-Type": media})
        refuses(found, status=415)
        assert found.body["message"] == "Expects Content-Type to be application/json"

    @pytest.mark.parametrize("media", ["application/json; charset=utf-8", "Application/JSON", "application/x+json"])
    def test_json_under_its_other_names_is_read(self, container: Container, question: Question, media: str) -> None:
        answers(score(container, question.azure(), **{"Content-Type": media}), question.answer)

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"", "POST body is empty. Expecting a JSON dictionary."),
            (b"s3cr3t", "POST body could not be decoded as JSON: Expecting value: line 1 column 1 (char 0)"),
            (b'{"a": 1} s3cr3t', "POST body could not be decoded as JSON: Extra data: line 1 column 10 (char 9)"),
            (b'{"a": "s3cr3t', "POST body could not be decoded as JSON: Unterminated string"),
            (b"[1]", "POST body should be a JSON dictionary."),
            (b"null", "POST body should be a JSON dictionary."),
            (b'"s3cr3t"', "POST body should be a JSON dictionary."),
            (b"{}", "A value is not provided for the 'input_data' parameter."),
            (b'{"params": {}}', "A value is not provided for the 'input_data' parameter."),
        ],
    )
    def test_a_body_that_is_no_request_is_400_in_azures_words(
        self, container: Container, body: bytes, message: str
    ) -> None:
        found = score(container, body)
        refuses(found, message)
        assert found.headers[ENDS] == "False"
        assert TOOK not in found.headers


class Identifiers:
    """x-request-id, x-ms-request-id, x-ms-client-request-id and TraceId."""

    @pytest.mark.parametrize(
        ("sent", "answered"),
        [
            ({}, {A: "new", B: "new"}),
            ({A: "a"}, {A: "a", B: "a"}),
            ({B: "b"}, {A: "new", B: "b", C: "b"}),
            ({C: "c"}, {A: "new", B: "c", C: "c"}),
            ({B: "b", C: "c"}, {A: "new", B: "b", C: "c"}),
            ({A: "a", B: "b", C: "c", "TraceId": "t"}, {A: "a", B: "b", C: "c", "traceid": "t"}),
            ({A: "a" * 100, B: "b" * 100, C: "c" * 100}, {A: "a" * 100, B: "b" * 100, C: "c" * 100}),
        ],
    )
    def test_they_are_echoed(
        self, container: Container, question: Question, sent: dict[str, str], answered: dict[str, str]
    ) -> None:
        for found in (score(container, question.azure(), **sent), container.exchange("GET", "/", None, sent)):
            assert found.status == 200
            new = found.headers[A]
            assert {name: found.headers[name] for name in (A, B, C, "traceid") if name in found.headers} == {
                name: new if value == "new" else value for name, value in answered.items()
            }
            assert answered[A] != "new" or UUID.fullmatch(new)

    @pytest.mark.parametrize(
        ("sent", "message"), [({A: "a" * 101}, LONG_A), ({B: "b" * 101}, LONG_B), ({C: "c" * 101}, LONG_B)]
    )
    def test_longer_than_100_characters_is_431(
        self, container: Container, question: Question, sent: dict[str, str], message: str
    ) -> None:
        found = score(container, question.azure(), **sent)
        refuses(found, status=431)
        assert found.body["message"] == message


class Origins:
    """CORS, for the origins that AML_CORS_ORIGINS names."""

    @pytest.mark.parametrize("origin", ORIGINS)
    def test_a_named_origin_may_ask(self, container: Container, question: Question, origin: str) -> None:
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a"}
        before = container.exchange("OPTIONS", "/score", None, asked)
        assert before.status == 200
        assert before.headers["access-control-allow-origin"] == origin
        assert before.headers["access-control-allow-methods"] == "GET, POST"
        assert before.headers["access-control-allow-headers"] == "x-a"
        assert before.headers["x-ms-run-function-failed"] == "False"
        assert {"x-request-id", "x-ms-request-id", "x-ms-server-version"} <= before.headers.keys()
        found = score(container, question.azure(), Origin=origin)
        answers(found, question.answer)
        assert (found.headers["access-control-allow-origin"], found.headers["vary"]) == (origin, "Origin")

    @pytest.mark.parametrize("origin", ["http://c.example", "http://a.example.org", "null"])
    def test_another_origin_is_told_nothing(self, container: Container, origin: str) -> None:
        found = container.exchange("OPTIONS", "/score", None, {"Origin": origin})
        assert found.status == 200
        assert "access-control-allow-origin" not in found.headers
