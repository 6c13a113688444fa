"""Which requests may share a prediction, and what of its answer is whose."""

from __future__ import annotations

import math

import pytest
from codec_support import NOTHING, columns, decode, module, np, pd, tensors

batching, decoding = module("worker.batching"), module("codec.decode")
Call, Request = module("codec.call").Call, module("wire").Request
ONE = columns(("a", "double"))


def groups(signature, *asked):
    """How many requests of (payload, params) each prediction has."""
    parts = [part(signature, *one) for one in asked]
    return [len(group) for group in batching.groups(parts, signature)]


def part(signature, payload, params=None):
    return batching.Part(Request("score"), Call(payload, params), decoding.read(payload, signature, "input_data"))


class Asked:
    """A model whose answer is a function of the frame that it is given."""

    def __init__(self, answer):
        self.answer = answer

    def build(self, content, label):
        return decoding.build(content, ONE, label)

    def predict(self, data, params):
        return self.answer(data)


def answers(answer):
    """What two requests of one row and of two rows are answered."""
    parts = [part(ONE, [[1]]), part(ONE, [[2], [3]])]
    return [result for result, _ in batching.ask(Asked(answer), parts)]


@pytest.mark.parametrize(
    ("first", "second"),
    [(math.nan, None), (math.inf, -math.inf), (math.inf, None), (1, True), (1, 1.0), (0.0, -0.0), ("1", 1)],
)
def test_requests_with_other_parameters_are_asked_apart(first, second):
    assert groups(ONE, ([[1]], {"p": first}), ([[2]], {"p": second})) == [1, 1]
    assert groups(ONE, ([[1]], {"p": first}), ([[2]], {"p": first})) == [2]


def test_parameters_of_any_depth_are_compared_or_asked_apart():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert groups(ONE, ([[1]], {"p": deep}), ([[2]], {"p": deep})) == [1, 1]


def test_without_a_signature_each_is_asked_by_itself():
    """Beside 0.5 pandas would make a fraction of 1, and text of nothing it is given alone."""
    asked = ({"columns": ["a"], "data": [[1]]}, None), ({"columns": ["a"], "data": [[0.5]]}, None)
    assert groups(NOTHING, *asked) == [1, 1]
    assert groups(ONE, *asked) == [2]
    assert groups(tensors(("a", "float64", [-1])), *asked) == [2]


def test_columns_of_other_names_are_asked_apart():
    unnamed = columns((None, "double"))
    asked = [({"columns": [name], "data": [[1]]}, None) for name in (1, "1", True)]
    assert groups(unnamed, *asked) == [1, 1, 1]


def test_each_has_the_rows_of_its_own():
    assert answers(lambda data: data["a"].tolist()) == [[1.0], [2.0, 3.0]]
    assert [frame["a"].tolist() for frame in answers(lambda data: data)] == [[1.0], [2.0, 3.0]]
    assert [part["a"].tolist() for part in answers(lambda data: {"a": data["a"].to_numpy()})] == [[1.0], [2.0, 3.0]]


@pytest.mark.parametrize(
    "answer",
    [
        lambda data: [0],
        lambda data: "abc",
        lambda data: {"y": np.zeros(len(data)), "classes": ["a", "b"]},
        lambda data: {"y": np.zeros(len(data)), "classes": ["a", "b", "c"]},
        lambda data: {"y": np.zeros(len(data)), "mean": 0.5},
        lambda data: {"y": pd.Series(np.zeros(len(data))), "part": np.zeros(2)},
        lambda data: None,
    ],
)
def test_an_answer_that_has_not_a_row_for_each_row_is_nobodys(answer):
    with pytest.raises(ValueError, match="the model answers 3 rows with"):
        answers(answer)


def test_what_is_asked_together_is_cast_as_it_is_alone():
    """numpy would make fractions of arrays of whole numbers that stand beside a fraction."""
    long = columns(("a", "long"))
    whole = [np.int64(2**53 + 1), np.int64(1)]
    assert decode({"a": [*whole, 1.0]}, long, "x")["a"].tolist() == [2**53 + 1, 1, 1]
    assert decode({"a": [*whole, 5]}, columns(("a", "string")), "x")["a"].tolist() == [str(2**53 + 1), "1", "5"]
    assert decode({"a": [np.int64(1), "text"]}, columns(("a", "string")), "x")["a"].tolist() == ["1", "text"]
