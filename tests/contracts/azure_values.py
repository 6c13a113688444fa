"""What /score takes for a model, and how what does not fit is refused; both servers read by envbuild's codec.

Azure ML's own scoring script answers every such misfit with an opaque 500, or with a wrong number.
"""

from __future__ import annotations

from typing import Any

import pytest
from asked import answers, refuses, score
from azure_score import ENDS, TOOK
from containers import Container, same
from fits import alike, unfit
from questions import Question

FAILING: dict[str, Any] = {
    "diabetes": [[None] * 10],
    "forest": [],
    "lightgbm": [],
    "named-tensors": None,
    "no-signature": {"columns": ["s3cr3t"], "data": [[1]]},
    "params": None,
    "pyfunc-code": [["s3cr3t", 1, "2024-05-01", True, 0.5]],
    "tensors": [[None] * 64],
}
"""What fits the signature, and makes the model raise an error; nothing does for those of None."""


class Values:
    """The forms of `input_data`, and `params`."""

    def test_every_form_of_the_example_is_answered_alike(self, container: Container, question: Question) -> None:
        forms = list(question.azure_forms())
        assert len(forms) >= 2
        for name, value in forms:
            answers(score(container, question.azure(value)), question.answer, name)

    def test_what_is_written_otherwise_without_loss_is_answered_alike(
        self, container: Container, question: Question
    ) -> None:
        for name, value in alike(question):
            answers(score(container, question.azure(value)), question.answer, name)

    def test_other_members_and_unknown_params_are_ignored(self, container: Container, question: Question) -> None:
        answers(score(container, question.azure(more={"a": [1]})), question.answer)
        given = question.params.get("params", {})
        answers(score(container, {**question.azure(), "params": {**given, "unknown": 1}}), question.answer)

    def test_params_of_null_are_the_defaults(self, container: Container, question: Question) -> None:
        # Of the fixture models only one heeds its params, and by default squares its input.
        squares = [row[0] ** 2 for row in question.table["data"]] if question.params and question.table else None
        for params in (None, {}):
            found = score(container, {**question.azure(), "params": params})
            answers(found, question.answer if squares is None else squares)

    def test_params_reach_the_model(self, container: Container, question: Question) -> None:
        if not question.params:
            pytest.skip("the model has no params")
        for params in (
            {"exponent": 1, "offset": 5},
            {"exponent": "1", "offset": "5"},
            {"exponent": 1.0, "offset": 5.0},
        ):
            answers(score(container, {**question.azure(), "params": params}), [6.0, 7.0, 8.0], params)

    def test_params_that_do_not_fit_are_400(self, container: Container, question: Question) -> None:
        for params in ([], "s3cr3t", 5):
            refuses(score(container, {**question.azure(), "params": params}), "'params' has to be an object")
        if question.params:
            for name, value in (("exponent", "s3cr3t"), ("offset", 2.5), ("labels", "s3cr3t")):
                found = score(container, {**question.azure(), "params": {name: value}})
                refuses(found, f"param {name!r}: expected ", label=value)

    def test_what_does_not_fit_is_400_and_named(self, container: Container, question: Question) -> None:
        cases = list(unfit(question))
        assert cases or not question.part("inputs")
        for name, value, words in cases:
            found = score(container, {"input_data": value, **question.params})
            refuses(found, *words, label=name)
            assert len(found.body["message"]) < 1000, name

    def test_an_answer_of_nan_is_null_in_json(self, container: Container, question: Question) -> None:
        if question.name == "params":
            answers(score(container, {"input_data": {"columns": ["x"], "data": [[None], [2]]}}), [None, 4.0])
        elif question.name == "named-tensors":
            found = score(container, {"input_data": {**question.value, "weights": [[None], [2.0]]}})
            answers(found, {**question.answer, "colour": [[None] * 3, question.answer["colour"][1]]})
        else:
            pytest.skip("nothing makes the model answer NaN")

    def test_the_order_of_rows_is_kept(self, container: Container, question: Question) -> None:
        if question.table is None or not isinstance(question.answer, list):
            pytest.skip("the answer is no list of rows")
        back = {**question.table, "data": question.table["data"][::-1]}
        answers(score(container, question.azure(back)), question.answer[::-1])


class Failures:
    """What a model's own error is answered with."""

    FAILED: str
    """The server's words for it."""

    def test_an_error_of_the_model_is_500_and_says_no_more(self, container: Container, question: Question) -> None:
        value = FAILING[question.name]
        if value is None:
            pytest.skip("nothing that fits the signature makes the model raise an error")
        found = score(container, {"input_data": value})
        refuses(found, status=500)
        assert found.body["message"] == self.FAILED
        assert found.headers[ENDS] == "True"

    def test_the_next_request_is_answered(self, container: Container, question: Question) -> None:
        score(container, {"input_data": FAILING[question.name]})
        found = score(container, question.azure())
        answers(found, question.answer)
        assert (found.headers[ENDS], TOOK in found.headers) == ("False", True)
        assert same(found.body, question.answer)
