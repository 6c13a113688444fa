"""The values of Open Inference tensors: what is refused, and what reaches the model as it was sent."""

from __future__ import annotations

import json
import time
import tracemalloc

import pytest
from codec_support import NOTHING, ClientError, columns, decode, module, np, pd, tensors

datatypes, places = module("protocols.datatypes"), module("protocols.inputs")
outline = module("protocols.outline").outline


def arranged(signature, *inputs, content=None):
    """What the model gets for tensors of (name, datatype, shape, data, content_type) each."""
    parts = [
        {"name": part.name, "type": part.type}
        if signature.columns
        else {"name": part.name, "type": "tensor", "tensor-spec": {"dtype": part.dtype, "shape": part.shape}}
        for part in (*signature.columns, *signature.tensors)
    ]
    found = [places.given(*(*one, None)[:5]) for one in inputs]
    described = outline({"signature": {"inputs": json.dumps(parts)}})
    payload, form = places.arranged(found, signature, described, content)
    return decode(payload, signature, "inputs", form)


def refused(*arguments, **named):
    with pytest.raises(ClientError) as problem:
        arranged(*arguments, **named)
    assert problem.value.status == 400
    return problem.value.message


@pytest.mark.parametrize(
    ("datatype", "exact", "inexact"),
    [("FP64", 2**53, 2**53 + 1), ("FP64", 2**60, -(2**60) - 1), ("FP32", 2**24, 2**24 + 1), ("FP16", 2048, 2049)],
)
def test_a_whole_number_has_to_be_exact_in_the_datatype(datatype, exact, inexact):
    """The model's own type may hold more: what the request says of the number counts."""
    assert arranged(columns(("x", "long")), ("x", datatype, [1], [exact]))["x"].tolist() == [exact]
    message = refused(columns(("x", "long")), ("x", datatype, [2], [0.5, inexact]))
    assert message.startswith("input 'x', element 1: expected numbers")
    assert message.endswith(f"({datatype}), got a whole number with more digits than the type holds")


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_beyond_every_type_is_out_of_range(datatype, sign):
    """Such a number comes where NaN stands elsewhere in the body, which orjson does not read."""
    assert refused(NOTHING, ("x", datatype, [1], [sign * 10**400])).endswith(f"({datatype}), got a number out of range")


def test_a_shape_of_many_dimensions_is_refused_at_once():
    """The product of its sizes would have millions of digits."""
    started = time.perf_counter()
    assert refused(NOTHING, ("x", "INT8", [2**62] * 20_000, [])) == "input 'x': the shape is too large"
    assert time.perf_counter() - started < 1


def test_strings_come_as_they_were_sent():
    for signature in (NOTHING, tensors(("x", "object", [-1]))):
        found = arranged(signature, ("x", "BYTES", [2], ["a\0", "b"]))
        assert (found["x"] if signature.tensors else found).tolist() == ["a\0", "b"]
    assert arranged(NOTHING, ("x", "BYTES", [1, 2], ["a", "bc"])).dtype == "<U2"
    message = refused(tensors(("x", "str", [-1])), ("x", "BYTES", [2], ["a\0", "b"]))
    assert message.endswith("got a string that ends in a zero, which numpy would drop")


@pytest.mark.parametrize("content", [None, "datetime"])
@pytest.mark.parametrize("signature", [NOTHING, tensors(("x", "float64", [-1])), tensors(("x", "str", [-1]))])
def test_one_long_string_does_not_make_every_element_as_long(signature, content):
    long = ("x", "BYTES", [20_001], [""] * 20_000 + ["secret" * 800], content)
    tracemalloc.start()
    try:
        if signature is NOTHING and content is None:
            assert arranged(signature, long)[-1] == "secret" * 800
        else:
            assert "secret" not in refused(signature, long)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 << 20


def test_inputs_without_names_have_to_have_as_many_rows():
    unnamed = columns((None, "long"), (None, "double"))
    three, two = ("input-0", "INT64", [3], [1, 2, 3]), ("input-1", "FP64", [2], [0.5, 1.5])
    assert refused(unnamed, three, two) == "input 'input-1' has 2 rows, input 'input-0' has 3"
    assert arranged(unnamed, (*three[:2], [2], [1, 2]), two).to_numpy().tolist() == [[1, 0.5], [2, 1.5]]


def test_inputs_for_a_frame_have_to_have_as_many_rows():
    three, two = ("a", "INT64", [3], [1, 2, 3]), ("b", "FP64", [2], [0.5, 1.5])
    assert refused(NOTHING, three, two, content="pd") == "input 'b' has 2 rows, input 'a' has 3"
    square = ("a", "INT64", [2, 2], [1, 2, 3, 4])
    assert "a column has [n] or [n, 1]" in refused(NOTHING, square, two, content="pd")
    frame = arranged(NOTHING, ("a", "INT64", [2, 1], [1, 2]), two, content="pd")
    pd.testing.assert_frame_equal(frame, pd.DataFrame({"a": np.array([1, 2]), "b": [0.5, 1.5]}))


def test_one_long_answer_does_not_make_every_answer_as_long():
    answer = [""] * 20_000 + ["x" * 4_800]
    tracemalloc.start()
    try:
        (output,) = module("protocols.outputs").tensors(answer, ["said"])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 << 20
    assert output == {"name": "said", "datatype": "BYTES", "shape": [20_001], "data": answer}
