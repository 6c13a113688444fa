"""Nested lists as tensors."""

from __future__ import annotations

import math
import tracemalloc

import pytest
from codec_support import NOTHING, InputError, decode, np, refused, tensors


def test_a_tensor_may_have_several_free_dimensions():
    wanted = tensors((None, "uint8", [-1, -1, -1, 3]))
    array = decode([[[[1, 2, 3], [4, 5, 255]]]], wanted, "inputs")
    assert (array.dtype, array.shape) == ("uint8", (1, 1, 2, 3))
    assert decode([], wanted, "inputs").shape == (0, 0, 0, 3)
    # An empty list shows as many dimensions as it has levels, and these are kept: each row has its answer.
    assert decode([[], []], wanted, "inputs").shape == (2, 0, 0, 3)
    assert "the shape is (1, 0, 3)" in refused([[]], tensors((None, "uint8", [-1, 4, 3])))
    assert decode([[1.5], [2.5]], tensors((None, "float64", [2, -1])), "x").shape == (2, 1)


@pytest.mark.parametrize(
    ("dtype", "shape", "payload", "reason"),
    [
        ("float64", [-1, 2], [[1, 2, 3]], "the shape is (1, 3), the model takes (-1, 2) (-1 is free)"),
        ("float64", [-1, 2], [1, 2], "the shape is (2,)"),
        ("float64", [-1, 2], [[1, 2], [3]], "input_data[1]: the nested lists differ: expected a list of 2"),
        ("float64", [-1, 2], [[1, 2], 3], "input_data[1]: the nested lists differ: expected a list of 2, got a whole"),
        ("float64", [-1, -1, 1], [[[1], [2]], [[1], []]], "input_data[1][1]: the nested lists differ"),
        ("float64", [-1], [1, [2]], "the nested lists are not of equal depth"),
        ("float64", [-1], {"a": [1]}, "has to be a list: a tensor of shape (-1,), got an object"),
        (
            "float64",
            [-1, 2],
            [[1, 2], [3, "secret"]],
            "input_data at [1][1]: expected a number (float64), got a string",
        ),
        (
            "uint8",
            [-1, 1],
            [[0], [256]],
            "at [1][0]: expected a whole number from 0 to 255 (uint8), got a whole number",
        ),
        ("int64", [-1], [1, {"secret": 1}], "at [1]: expected a whole number from -9223372036854775808"),
        ("bool", [-1], [True, "true"], "at [1]: expected true or false (bool), got a string"),
        ("datetime64[ns]", [-1], ["soon"], "at [0]: expected a time in ISO 8601"),
        ("<U2", [-1], ["abc"], "a string longer than 2 characters"),
        ("timedelta64[ns]", [-1], ["soon"], "a tensor of a type that cannot be sent"),
    ],
)
def test_a_tensor_that_does_not_fit_is_refused_with_its_place(dtype, shape, payload, reason):
    message = refused(payload, tensors((None, dtype, shape)))
    assert reason in message
    assert "secret" not in message


def test_numbers_are_converted_where_none_of_them_changes():
    for dtype in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        array = decode([[1, 2.0], [127, True]], tensors((None, dtype, [-1, 2])), "x")
        assert (array.dtype, array.tolist()) == (dtype, [[1, 2], [127, 1]])
    assert math.isnan(decode([1, None], tensors((None, "float32", [-1])), "x")[1])
    assert decode([1, 2], tensors((None, "complex64", [-1])), "x").dtype == "complex64"
    assert "out of range" in refused([2**63], tensors((None, "int64", [-1])))
    assert "out of range" in refused([2**70], tensors((None, "uint64", [-1])))


def test_an_array_is_a_tensor_already():
    given = np.arange(6, dtype="float32").reshape(2, 3)
    assert decode(given, tensors((None, "float32", [-1, 3])), "x") is given
    assert decode(given, tensors((None, "float64", [-1, 3])), "x").dtype == "float64"
    assert "the shape is (2, 3)" in refused(given, tensors((None, "float32", [-1, 4])))
    assert "at [0][1]: expected" in refused(given + 0.5 * (given > 0), tensors((None, "int64", [-1, 3])))


def test_an_array_of_small_fractions_is_compared_with_the_exact_limits():
    """2**31 is a number of float32, and 2**31 - 1, the largest of int32, is not."""
    for dtype, limit in (("int32", 2.0**31), ("uint32", 2.0**32), ("int64", 2.0**63), ("uint64", 2.0**64)):
        given = np.array([0, limit], dtype="float32")
        assert "at [1]: expected a whole number" in refused(given, tensors((None, dtype, [-1])))


def test_named_tensors_come_by_name_from_an_object_or_a_table():
    wanted = tensors(("a", "float32", [-1]), ("b", "int64", [-1, 2]))
    for payload in (
        {"b": [[1, 2], [3, 4]], "a": [1, 2], "c": 5},
        [{"a": 1, "b": [1, 2]}, {"a": 2, "b": [3, 4]}],
        {"columns": ["a", "b"], "data": [[1, [1, 2]], [2, [3, 4]]]},
        {"a": np.array([1, 2], dtype="float32"), "b": np.array([[1, 2], [3, 4]])},
    ):
        arrays = decode(payload, wanted, "input_data")
        assert list(arrays) == ["a", "b"]
        assert (arrays["a"].dtype, arrays["b"].shape) == ("float32", (2, 2))
    with pytest.raises(InputError, match="missing tensor 'b'"):
        decode({"a": [1], "secret": 1}, wanted, "input_data")
    assert "input_data['b'] at [0][1]" in refused({"a": [1], "b": [[1, "x"]]}, wanted)
    assert "an object with the tensors 'a', 'b'" in refused([1, 2], wanted)


def test_a_single_named_tensor_may_come_without_its_name():
    arrays = decode([[1, 2]], tensors(("only", "int64", [-1, 2])), "inputs")
    assert arrays["only"].tolist() == [[1, 2]]


def test_a_table_is_an_unnamed_tensor_too():
    wanted = tensors((None, "float64", [-1, 2]))
    assert decode({"columns": ["x", "y"], "data": [[1, 2]]}, wanted, "input_data").tolist() == [[1.0, 2.0]]
    assert decode(b"x,y\n1,2.5\n3,\n", wanted, "body", "csv")[0].tolist() == [1.0, 2.5]


@pytest.mark.parametrize("dtype", ["float64", "str", "bytes", "<U4000"])
def test_one_long_string_does_not_make_every_element_as_long(dtype):
    """numpy's own array of these would take thousands of times the memory of the request."""
    payload = ["" for _ in range(30_000)] + ["secretly" * 500]
    tracemalloc.start()
    try:
        message = refused(payload, tensors((None, dtype, [-1])))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 << 20
    assert "secret" not in message
    if dtype in ("str", "<U4000"):
        assert message == (
            f"input_data: expected strings of like length ({dtype}), got some so much longer than others that numpy "
            "would fill more than 64 MiB up with zeros"
        )


def test_without_a_signature_strings_are_numpys_where_that_changes_nothing():
    assert decode([["a", "bc"]], NOTHING, "x").dtype == "<U2"
    kept = decode(["a\0", "b"], NOTHING, "x")
    assert (kept.dtype, kept.tolist()) == (object, ["a\0", "b"])
    long = decode([""] * 20_000 + ["x" * 4_000], NOTHING, "x")
    assert (long.dtype, long[-1]) == (object, "x" * 4_000)


@pytest.mark.parametrize(
    ("dtype", "payload"),
    [
        ("float64", [0.5, 9007199254740993]),
        ("float64", [-1, 2**63 + 1]),
        ("float32", [[0.5], [16777217]]),
        ("float32", ["0.5", "16777217"]),
        ("complex64", [0.5, 16777217]),
        ("float32", [0, 16777217]),
        ("float16", [0, 2049]),
    ],
)
def test_a_whole_number_is_exact_beside_a_fraction_too(dtype, payload):
    shape = [-1, 1] if isinstance(payload[0], list) else [-1]
    message = refused(payload, tensors((None, dtype, shape)))
    assert "at [1]" in message
    assert message.endswith("got a whole number with more digits than the type holds")


def test_a_large_number_with_a_fraction_is_rounded():
    assert decode([1, 2.0**60, 0.5], tensors((None, "float64", [-1])), "x").tolist() == [1.0, 2.0**60, 0.5]


def test_lists_that_are_nested_too_deeply_are_refused():
    deep = 1.5
    for _ in range(33):
        deep = [deep]
    assert "nested more than 32 deep" in refused(deep, tensors((None, "float64", [-1])))
    assert "nested more than 32 deep" in refused(deep, NOTHING)
