"""Two predictions as JSON values."""

from __future__ import annotations

import math
from typing import Any

import pytest

from envbuild.local.comparing import difference, flat


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (1, 1.0),
        (205.48601048405703, 205.486010484057),
        ([1.5, None], [1.5, math.nan]),
        ({"a": [True, "x"]}, {"a": [True, "x"]}),
        ([math.inf], [None]),
        ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00"),
        ("2024-05-01T10:00:00.000000", "2024-05-01T10:00:00"),
        (1e-17, 0.0),
    ],
)
def test_what_is_the_same(found: Any, expected: Any) -> None:
    assert difference(found, expected, 1e-9) == ""


@pytest.mark.parametrize(
    ("found", "expected", "told"),
    [
        (1.0, 1.00001, "the answer is 1.0, and the model gives 1.00001"),
        ([1, 2], [1], "the answer has 2 items, and the model gives 1"),
        ([[1], [2]], [[1], [3]], "[1][0]: the answer is 2, and the model gives 3"),
        ([{"a": 1}], [{"b": 1}], "[0] has a, and the model gives b"),
        (True, 1, "the answer is True, and the model gives 1"),
        (None, 0.0, "the answer is None, and the model gives 0.0"),
        ("2024-05-01", "2024-05-02", "the answer is '2024-05-01', and the model gives '2024-05-02'"),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, "a.b: the answer is 'x', and the model gives 'y'"),
    ],
)
def test_what_is_not_is_told_with_its_place(found: Any, expected: Any, told: str) -> None:
    assert difference(found, expected, 1e-9) == told


def test_a_coarser_type_of_numbers_allows_more() -> None:
    assert difference(0.1, 0.10000000149011612, 1e-6) == ""
    assert difference(0.1, 0.10000000149011612, 1e-9)


def test_leaves_come_in_their_order() -> None:
    assert flat([[1, [2]], 3]) == [1, 2, 3]
