"""/invocations, /ping, /health and /version as MLflow's scoring server has them, and where envbuild's is better.

MLflow's server crashes on a request without Content-Type, cuts fractions off silently, writes NaN, repeats the
caller's data, shows tracebacks, and calls its own faults the client's.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from asked import answers, invoke
from azure_values import FAILING
from containers import Answer, Container
from fits import alike, unfit
from questions import Question

CODES = {400: "BAD_REQUEST", 405: "BAD_REQUEST", 415: "BAD_REQUEST", 500: "INTERNAL_ERROR"}
INVALID = "INVALID_PARAMETER_VALUE"
PARQUET = "application/vnd.apache.parquet"


def fails(found: Answer, *words: str, status: int = 400, code: str | None = None, label: object = "") -> None:
    """The answer is an error in MLflow's form: an error_code and a message, and no stack_trace."""
    assert found.status == status, (label, found.body)
    assert found.headers["content-type"] == "application/json", label
    assert set(found.body) == {"error_code", "message"}, (label, found.body)
    assert found.body["error_code"] == (code or CODES[status]), (label, found.body)
    for word in words:
        assert word in found.body["message"], (label, found.body)


class Probes:
    """/ping, /health and /version."""

    @pytest.mark.parametrize("path", ["/ping", "/health"])
    def test_a_loaded_model_is_healthy(self, container: Container, path: str) -> None:
        found = container.exchange("GET", path)
        assert (found.status, found.body) == (200, "\n")
        assert found.headers["content-type"] == "application/json"

    def test_the_version_is_that_of_mlflow_as_bare_text(self, container: Container, question: Question) -> None:
        found = container.exchange("GET", "/version")
        assert (found.status, found.body) == (200, question.mlmodel["mlflow_version"])

    @pytest.mark.parametrize(("method", "path"), [("POST", "/ping"), ("POST", "/health"), ("PUT", "/version")])
    def test_other_methods_are_405(self, container: Container, method: str, path: str) -> None:
        assert container.exchange(method, path, b"").status == 405


class Invocations:
    """POST /invocations: the bodies that are read."""

    def test_the_input_example_that_mlflow_wrote(self, container: Container, question: Question) -> None:
        answers(invoke(container, question.example), {"predictions": question.answer})

    def test_every_form_of_it_is_answered_alike(self, container: Container, question: Question) -> None:
        forms = dict(question.mlflow_forms())
        wanted = ("dataframe_split", "dataframe_records") if question.table else ()
        for key in (*wanted, "inputs", "instances"):
            assert [name for name in forms if name.startswith(key)], key
        for name, body in forms.items():
            answers(invoke(container, body), {"predictions": question.answer}, name)

    def test_what_is_written_otherwise_without_loss(self, container: Container, question: Question) -> None:
        for name, value in alike(question):
            body = {"inputs" if question.table is None else "dataframe_split": value, **question.params}
            answers(invoke(container, body), {"predictions": question.answer}, name)

    def test_csv_is_read_by_the_signature(self, container: Container, question: Question) -> None:
        text = question.csv()
        if text is None:
            found = invoke(container, b"a,b\n1,2\n", "text/csv")
            assert found.status == 400, found.body
            return
        # CSV has no params: the model is asked with its defaults.
        expected = invoke(container, {"dataframe_split": question.table}).body
        for media in ("text/csv", "text/csv; charset=utf-8", "Text/CSV"):
            answers(invoke(container, text, media), expected, media)
        if not question.params:
            answers(invoke(container, text, "text/csv"), {"predictions": question.answer})

    @pytest.mark.parametrize(
        "media",
        [None, "APPLICATION/JSON", "application/json; charset=utf-8", 'application/json; charset="utf-8"'],
    )
    def test_json_under_its_other_names_and_under_none(
        self, container: Container, question: Question, media: str | None
    ) -> None:
        answers(invoke(container, question.example, media), {"predictions": question.answer})

    def test_the_content_types_of_mlflow_1_get_its_bare_answer(self, container: Container, question: Question) -> None:
        if question.table is None:
            pytest.skip("they are for tables")
        expected = invoke(container, {"dataframe_split": question.table}).body["predictions"]
        found = invoke(container, question.table, "application/json; format=pandas-split")
        answers(found, expected)

    def test_other_keys_and_unknown_params_are_ignored(self, container: Container, question: Question) -> None:
        given = question.params.get("params", {})
        for more in ({"more": [1]}, {"params": {**given, "unknown": 1}}):
            answers(invoke(container, {**question.example, **more}), {"predictions": question.answer}, more)

    def test_params_reach_the_model(self, container: Container, question: Question) -> None:
        if not question.params:
            pytest.skip("the model has no params")
        found = invoke(container, {**question.example, "params": {"exponent": 1, "offset": 5}})
        answers(found, {"predictions": [6.0, 7.0, 8.0]})

    def test_a_prediction_of_nan_is_null(self, container: Container, question: Question) -> None:
        if question.name != "params":
            pytest.skip("nothing makes the model answer NaN")
        found = invoke(container, {"dataframe_records": [{"x": None}, {"x": 2}]})
        answers(found, {"predictions": [None, 4.0]})


class Refusals:
    """POST /invocations: what is refused, and how."""

    def test_what_does_not_fit_is_400_and_named(self, container: Container, question: Question) -> None:
        for name, value, words in unfit(question):
            found = invoke(container, {"inputs": value, **question.params})
            # A table whose rows differ in length is none, whatever the model takes.
            code = "BAD_REQUEST" if name == "a short row" else INVALID
            fails(found, *(word.replace("input_data", "inputs") for word in words), code=code, label=name)

    def test_records_that_lack_a_column(self, container: Container, question: Question) -> None:
        if not question.columns:
            pytest.skip("the model has no columns")
        for key in ("dataframe_records", "instances", "inputs"):
            found = invoke(container, {key: [{"s3cr3t": 1}]})
            fails(found, "missing column", question.columns[0]["name"], code=INVALID, label=key)

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b"", "empty"),
            (b"{s3cr3t", "not JSON"),
            (b'{"inputs": "\xff"}', ""),
            (b"[1, 2]", "got a list"),
            (b"5", ""),
            (b"{}", "found none"),
            (b'{"s3cr3t": 1}', "found none"),
            (b'{"inputs": [1], "instances": [1]}', "found instances, inputs"),
            (b'{"dataframe_split": [1]}', "dataframe_split has to be"),
            (b'{"dataframe_records": {"a": 1}}', "dataframe_records has to be a list"),
        ],
    )
    def test_a_body_that_is_no_request_is_400(self, container: Container, body: bytes, words: str) -> None:
        fails(invoke(container, body), words)

    def test_params_that_do_not_fit_are_400(self, container: Container, question: Question) -> None:
        for params in ([1], "s3cr3t"):
            fails(invoke(container, {**question.example, "params": params}), "'params' has to be an object")
        if question.params:
            for name, value in (("exponent", "s3cr3t"), ("offset", 2.5)):
                found = invoke(container, {**question.example, "params": {name: value}})
                fails(found, f"param {name!r}: expected ", code=INVALID)

    @pytest.mark.parametrize(
        "media",
        [
            "application/octet-stream",
            "text/plain",
            "application/json; charset=latin-1",
            "application/json; format=pandas-values",
        ],
    )
    def test_other_content_types_are_415(self, container: Container, question: Question, media: str) -> None:
        fails(invoke(container, question.example, media), "Expects", status=415)

    def test_parquet_without_pyarrow_is_415_and_says_so(self, container: Container) -> None:
        fails(invoke(container, b"PAR1", PARQUET), "pyarrow", status=415)

    def test_csv_that_is_not_utf_8_or_lacks_columns_is_400(self, container: Container, question: Question) -> None:
        assert invoke(container, b"a,b\n\xff,2\n", "text/csv").status == 400
        if question.columns:
            found = invoke(container, b"s3cr3t\n1\n", "text/csv")
            fails(found, "missing column", code=INVALID)

    @pytest.mark.parametrize(
        "body", [{"messages": [{"role": "user", "content": "s3cr3t"}]}, {"prompt": "s3cr3t"}, {"input": ["s3cr3t"]}]
    )
    def test_payloads_of_language_models_are_refused_by_a_signature(
        self, container: Container, question: Question, body: dict[str, Any]
    ) -> None:
        found = invoke(container, body)
        if question.part("inputs"):
            fails(found, code=INVALID)
        else:
            # Without one they reach the model, and it is the model that cannot take them.
            fails(found, status=500)

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_other_methods_are_405(self, container: Container, method: str) -> None:
        fails(container.exchange(method, "/invocations"), status=405)

    def test_an_error_of_the_model_is_500_without_its_traceback(self, container: Container, question: Question) -> None:
        value = FAILING[question.name]
        if value is None:
            pytest.skip("nothing that fits the signature makes the model raise an error")
        fails(invoke(container, {"inputs": value}), status=500)
        answers(invoke(container, json.dumps(question.example).encode()), {"predictions": question.answer})
