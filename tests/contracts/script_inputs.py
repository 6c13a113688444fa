"""Scripts whose `run` is decorated with inference-schema: what it is given, and what /swagger.json says of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from asked import JSON, answers, refuses, score
from azure_score import ENDS, TOOK
from azure_swagger import VERSIONS, parts
from containers import Container
from openapi_spec_validator import validate

FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
MISSING = "A value is not provided for the 'data' parameter."
TABLE = {"columns": ["a", "b"], "data": [[1, "y"], [2, "z"]]}


def typed(**found: Any) -> dict[str, Any]:
    """What typed.py answers to the table, but for the parts that are named."""
    rows = {"kind": "f", "rows": [[1.0, "y"], [2.0, "z"]]}
    rest = {"weights": None, "moment": None, "data": None, "headers": {}}
    return {"calls": ["driver", "typed"], "table": rows, **rest, **found}


class Members:
    """The members of the body are given by name: `data`, and `factor` that may be left out."""

    def test_each_is_given_in_the_type_that_was_declared(self, declared: Container) -> None:
        found = score(declared, {"factor": 3, "data": [[1, 4], [2, 2]]})
        answers(found, [[3, 12], [6, 6]])
        assert found.headers[ENDS] == "False"
        assert float(found.headers[TOOK]) >= 0

    def test_one_that_is_left_out_has_the_default_of_python(self, declared: Container) -> None:
        answers(score(declared, {"data": [[1, 4]]}), [[2, 8]])

    def test_others_are_left_alone(self, declared: Container) -> None:
        answers(score(declared, {"data": [[1, 4]], "more": {"a": 1}, "request_headers": 1}), [[2, 8]])

    @pytest.mark.parametrize("media", ["application/json; charset=utf-8", "application/x+json"])
    def test_json_under_its_other_names_is_read(self, declared: Container, media: str) -> None:
        answers(score(declared, {"data": [[1, 4]]}, **{"Content-Type": media}), [[2, 8]])

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"", "POST body is empty. Expecting a JSON dictionary."),
            (b"s3cr3t", "POST body could not be decoded as JSON: Expecting value: line 1 column 1 (char 0)"),
            (b'{"data": "s3cr3t', "POST body could not be decoded as JSON: Unterminated string"),
            (b"[[1, 4]]", "POST body should be a JSON dictionary."),
            (b"null", "POST body should be a JSON dictionary."),
            (b'"s3cr3t"', "POST body should be a JSON dictionary."),
            (b"{}", MISSING),
            (b'{"factor": 3, "Data": "s3cr3t"}', MISSING),
        ],
    )
    def test_a_body_that_is_no_request_is_400_and_run_is_not_called(
        self, declared: Container, body: bytes, message: str
    ) -> None:
        found = score(declared, body)
        refuses(found, message)
        assert found.headers[ENDS] == "False"
        assert TOOK not in found.headers

    @pytest.mark.parametrize("media", ["text/csv", "text/plain", "application/x-www-form-urlencoded"])
    def test_other_content_types_are_415(self, declared: Container, media: str) -> None:
        found = score(declared, {"data": [[1, 4]]}, **{"Content-Type": media})
        refuses(found, "Expects Content-Type to be application/json", status=415)

    def test_a_request_without_a_content_type(self, declared: Container, server: str) -> None:
        found = declared.exchange("POST", "/score", {"data": [[1, 4]]})
        if server == "envbuild":
            # It can be nothing but JSON here.
            answers(found, [[2, 8]])
        else:
            refuses(found, "Expects Content-Type to be application/json", status=415)

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("data=[[1,4]]", [[2, 8]]),
            ("data=[[1,4]]&factor=3&more=text", [[3, 12]]),
            # What is named twice is a list.
            ("data=[1,4]&data=[2,2]", [[2, 8], [4, 4]]),
        ],
    )
    def test_get_asks_with_json_values_in_its_query(
        self, declared: Container, query: str, expected: list[list[float]]
    ) -> None:
        answers(declared.exchange("GET", f"/score?{query}"), expected)

    @pytest.mark.parametrize("path", ["/score", "/score?factor=3"])
    def test_get_without_its_query_is_400(self, declared: Container, path: str) -> None:
        refuses(declared.exchange("GET", path), MISSING)

    def test_options_is_200_and_run_is_not_called(self, declared: Container) -> None:
        found = declared.exchange("OPTIONS", "/score")
        assert (found.status, found.body, found.headers[ENDS]) == (200, "", "False")
        assert TOOK not in found.headers

    @pytest.mark.parametrize("value", [[[1, 4, 9]], {"a": 1}, [["s3cr3t", 1]], None])
    def test_what_does_not_fit_its_type_fails_in_the_script(self, declared: Container, value: Any) -> None:
        found = score(declared, {"data": value})
        refuses(found, FAILED, status=500)
        assert found.headers[ENDS] == "True"
        answers(score(declared, {"data": [[1, 4]]}), [[2, 8]])


class Types:
    """A table of pandas', and what standard types are made from, behind a driver's script."""

    def test_a_table_has_the_types_of_its_sample(self, driven: Container) -> None:
        answers(score(driven, {"table": TABLE}), typed())
        answers(score(driven, {"table": {**TABLE, "index": ["p", "q"]}}), typed())

    def test_each_type_is_made_from_json(self, driven: Container) -> None:
        more = {"record": {"n": 3, "weights": [1, 2]}, "moment": "2025-03-04T05:06:07Z", "data": "aGVsbG8="}
        expected = typed(weights=["float32", 1.0, 2.0], moment=2025, data="hello")
        answers(score(driven, {"table": TABLE, **more}), expected)

    def test_what_is_optional_may_be_null(self, driven: Container) -> None:
        answers(score(driven, {"table": TABLE, "record": None, "moment": None, "data": None}), typed())

    def test_get_takes_whole_objects(self, driven: Container) -> None:
        table = quote('{"columns": ["a", "b"], "data": [[1, "y"], [2, "z"]]}')
        answers(driven.exchange("GET", f"/score?table={table}&moment=2025-03-04"), typed(moment=2025))

    def test_the_headers_are_given_in_title_case(self, driven: Container) -> None:
        found = score(driven, {"table": TABLE}, **{"x-mine": "1", "X-MINE-too": "A b"})
        answers(found, typed(headers={"X-Mine": "1", "X-Mine-Too": "A b"}))

    @pytest.mark.parametrize(
        "more", [{"table": "s3cr3t"}, {"moment": "s3cr3t"}, {"record": ["s3cr3t"]}, {"table": {"columns": ["s3cr3t"]}}]
    )
    def test_what_does_not_fit_fails_in_the_script(self, driven: Container, more: dict[str, Any]) -> None:
        refuses(score(driven, {"table": TABLE, **more}), FAILED, status=500)

    def test_a_member_that_is_missing_is_named(self, driven: Container) -> None:
        refuses(score(driven, {"record": None}), "A value is not provided for the 'table' parameter.")


class Described:
    """GET /swagger.json, from what the decorators say."""

    @pytest.mark.parametrize("query", VERSIONS)
    def test_each_version_is_valid_and_has_the_declared_types(self, declared: Container, query: str) -> None:
        found = declared.exchange("GET", f"/swagger.json{query}")
        assert (found.status, found.headers["content-type"]) == (200, "application/json")
        assert found.body.get("swagger", found.body.get("openapi")) == VERSIONS[query]
        validate(found.body)
        taken, given = parts(found.body)
        for described in (taken["properties"]["data"], given):
            assert (described["type"], described["format"]) == ("array", "numpy.ndarray")
            assert described["items"]["items"]["type"] == "number"
        assert (taken["example"]["data"], given["example"]) == ([[1.0, 2.0]], [[1.0, 2.0]])

    def test_its_example_is_answered(self, declared: Container) -> None:
        taken, given = parts(declared.exchange("GET", "/swagger.json").body)
        # inference-schema gives what was not declared as an empty text.
        assert taken["example"].pop("factor") == ""
        answers(score(declared, {**taken["example"], "factor": 1}), given["example"])

    @pytest.mark.parametrize("query", [query for query in VERSIONS if "3" in query])
    def test_types_that_only_newer_versions_can_say(self, driven: Container, query: str) -> None:
        found = driven.exchange("GET", f"/swagger.json{query}")
        assert (found.status, found.body["openapi"]) == (200, VERSIONS[query])
        validate(found.body)
        taken, _ = parts(found.body)
        assert taken["properties"]["table"]["format"] == "pandas.DataFrame:split"
        assert taken["properties"]["record"]["properties"]["weights"]["format"] == "numpy.ndarray"
        assert (taken["properties"]["moment"]["format"], taken["properties"]["data"]["format"]) == ("date-time", "byte")

    @pytest.mark.parametrize(
        ("version", "message"),
        [
            (None, "Swagger version [2] is not supported for the scoring script. "),
            ("2.0", "Swagger version [2.0] is not supported for the scoring script. "),
            ("9", "Swagger version [9] is not valid. "),
        ],
    )
    def test_a_version_that_cannot_say_them_is_404(self, driven: Container, version: str | None, message: str) -> None:
        found = driven.exchange("GET", "/swagger.json" + (f"?version={version}" if version else ""))
        refuses(found, message, "upported ", "versions: [3, 3.1].", status=404)

    def test_other_methods_are_405(self, declared: Container) -> None:
        found = declared.exchange("POST", "/swagger.json", {}, JSON)
        refuses(found, "The method is not allowed for the requested URL.", status=405)
