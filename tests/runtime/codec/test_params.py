"""Parameters of a request, and values of nested types."""

from __future__ import annotations

import datetime
import math

import pytest
from codec_support import ClientError, InputError, columns, decode, module, np, refused, signed

read_params = module("codec.params").read_params
SPECS = signed(
    [],
    [
        {"name": "factor", "type": "double", "default": 2.0, "shape": None},
        {"name": "count", "type": "integer", "default": 1, "shape": None},
        {"name": "names", "type": "string", "default": [], "shape": [-1]},
        {"name": "flag", "dtype": "boolean", "default": False, "shape": None},
        {"name": "when", "type": "datetime", "default": "2024-01-01", "shape": None},
        {
            "name": "options",
            "type": "object",
            "default": {},
            "shape": None,
            "properties": {"depth": {"type": "long", "required": True}},
        },
    ],
).params


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, {}),
        ({}, {}),
        ({"unknown": object()}, {}),
        ({"factor": 3}, {"factor": 3.0}),
        ({"factor": "2.5", "count": 5.0}, {"factor": 2.5, "count": 5}),
        ({"factor": None}, {"factor": None}),
        ({"names": ["a", 5]}, {"names": ["a", "5"]}),
        ({"names": []}, {"names": []}),
        ({"flag": 1}, {"flag": True}),
        ({"when": "2024-05-31"}, {"when": datetime.date(2024, 5, 31)}),
        ({"when": "2024-05-31T12:00:00.5+02:00"}, {"when": datetime.datetime(2024, 5, 31, 10, 0, 0, 500_000)}),
        ({"options": {"depth": 3}}, {"options": {"depth": 3}}),
    ],
)
def test_params_are_converted_without_loss(given, expected):
    assert read_params(given, SPECS) == expected
    assert [type(value) for value in read_params(given, SPECS).values()] == list(map(type, expected.values()))


INTEGER = "a whole number from -2147483648 to 2147483647 (integer)"
LONG = "a whole number from -9223372036854775808 to 9223372036854775807 (long)"
TIME = "a time in ISO 8601 with a year from 1678 to 2261 (datetime)"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"factor": "secret"}, "param 'factor': expected a number (double), got a string that is no number"),
        ({"factor": [1]}, "param 'factor': expected a number (double), got a list"),
        (
            {"count": 2.5},
            f"param 'count': expected {INTEGER}, got a number with a fraction",
        ),
        ({"names": "secret"}, "param 'names': expected a list (string), got a string"),
        ({"names": None}, "param 'names': expected a list (string), got null"),
        ({"names": ["a", {}]}, "param 'names'[1]: expected a string (string), got an object"),
        ({"flag": "true"}, "param 'flag': expected true or false (boolean), got a string"),
        (
            {"when": 1700000000},
            f"param 'when': expected {TIME}, got a whole number",
        ),
        (
            {"options": {"depth": 0.5}},
            f"param 'options'['depth']: expected {LONG}, got a number with a fraction",
        ),
    ],
)
def test_a_param_that_does_not_fit_is_named(given, message):
    with pytest.raises(InputError) as problem:
        read_params(given, SPECS)
    assert problem.value.message == message


@pytest.mark.parametrize("given", [[1], "secret", 5, True])
def test_params_have_to_be_an_object(given):
    with pytest.raises(ClientError, match="'params' has to be an object, got") as problem:
        read_params(given, SPECS)
    assert not isinstance(problem.value, InputError)


DEEP = signed(
    [
        {
            "type": "object",
            "name": "a",
            "required": True,
            "properties": {
                "b": {"type": "array", "items": {"type": "long"}, "required": True},
                "c": {
                    "type": "object",
                    "required": False,
                    "properties": {
                        "m": {"type": "map", "values": {"type": "double"}, "required": True},
                        "i": {"type": "integer", "required": False},
                    },
                },
                "when": {"type": "datetime", "required": False},
                "small": {"type": "array", "items": {"type": "float"}, "required": False},
            },
        }
    ]
)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"b": ["secret"]},
            f", ['b'][0]: expected {LONG}, got a string",
        ),
        ({"b": [1, [2]]}, ", ['b'][1]: expected a whole number"),
        ({"b": 5}, ", ['b']: expected a list (array), got a whole number"),
        ({"b": [], "c": {}}, ", ['c']: expected an object with all required properties, got an object without 'm'"),
        ({"b": [], "c": {"m": {"secret": "much"}}}, ", ['c']['m'][entry 0]: expected a number (double), got a string"),
        ({"b": [], "c": {"m": [1]}}, ", ['c']['m']: expected an object (map), got a list"),
        ({"b": [], "when": 5}, ", ['when']: expected a time in ISO 8601"),
        ("secret", ": expected an object (object), got a string"),
        (None, ": expected an object (object), got null"),
    ],
)
def test_a_place_inside_a_nested_value_is_named(value, message):
    text = refused([{"a": {"b": [1]}}, {"a": value}], DEEP)
    assert text.startswith(f"column 'a', row 1{message}")
    assert "secret" not in text


def test_nested_values_are_converted_to_what_mlflow_takes():
    value = {
        "b": ["1", 2.0],
        "c": {"m": {"x": 1}, "i": 5, "unknown": "left out"},
        "when": "2024-05-31T12:00:00+02:00",
        "small": [0.5, None],
    }
    found = decode([{"a": value}], DEEP, "x")["a"][0]
    assert found["b"] == [1, 2]
    assert found["c"] == {"m": {"x": 1.0}, "i": 5}
    assert isinstance(found["c"]["i"], np.int32)
    assert found["when"] == np.datetime64("2024-05-31T10:00:00", "ns")
    assert found["small"].dtype == "float32"
    assert math.isnan(found["small"][1])


def test_what_is_nested_and_optional_may_be_null():
    optional = signed([{"type": "array", "items": {"type": "long"}, "name": "a", "required": False}])
    assert decode([{"a": [1]}, {"a": None}], optional, "x")["a"].tolist() == [[1], None]
    assert decode([{"a": [1, [2]]}], columns(("a", "any")), "x")["a"].tolist() == [[1, [2]]]
