"""From JSON to the model's input by the signature, and from its answer to JSON.

Runs wherever numpy, pandas and orjson are installed, and in the models' environment through test_environment.py.
"""

from __future__ import annotations

import base64
import datetime
import importlib
import json
import math

import pytest

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pytest.importorskip("orjson")

try:
    PACKAGE = importlib.import_module("envbuild_runtime").__name__
except ImportError:
    PACKAGE = importlib.import_module("envbuild.runtime").__name__

decode = importlib.import_module(PACKAGE + ".codec.decode").decode
encode = importlib.import_module(PACKAGE + ".codec.encode").encode
bodies = importlib.import_module(PACKAGE + ".protocols.json_body")
ClientError = importlib.import_module(PACKAGE + ".errors").ClientError
signature = importlib.import_module(PACKAGE + ".codec.signature")


def columns(*specs):
    inputs = [
        {"type": kind, **({"name": name} if name else {}), "required": required}
        for name, kind, required in ((*spec, True)[:3] for spec in specs)
    ]
    return signature.parse_signature({"signature": {"inputs": json.dumps(inputs)}})


def tensors(*specs):
    inputs = [
        {"type": "tensor", **({"name": name} if name else {}), "tensor-spec": {"dtype": dtype, "shape": shape}}
        for name, dtype, shape in specs
    ]
    return signature.parse_signature({"signature": {"inputs": json.dumps(inputs)}})


NOTHING = signature.parse_signature({})


def column(kind, values, required=True):
    data = {"columns": ["x"], "data": [[value] for value in values]}
    return decode(data, columns(("x", kind, required)), "input_data")["x"]


def refused(kind, values):
    with pytest.raises(ClientError) as problem:
        column(kind, values)
    assert problem.value.status == 400
    return problem.value.message


@pytest.mark.parametrize(
    ("kind", "values", "dtype", "expected"),
    [
        ("long", [1, -(2**63), 2**63 - 1], "int64", [1, -(2**63), 2**63 - 1]),
        ("long", [3.0], "int64", [3]),
        ("integer", [2**31 - 1], "int32", [2**31 - 1]),
        ("double", [1, 2.5], "float64", [1.0, 2.5]),
        ("float", [0.5, 1], "float32", [0.5, 1.0]),
        ("boolean", [True, 0], "bool", [True, False]),
        ("string", ["a", "ä"], pd.Series(["a"]).dtype, ["a", "ä"]),
        ("binary", [base64.b64encode(b"\x00\xff").decode()], "object", [b"\x00\xff"]),
    ],
)
def test_a_column_gets_the_signatures_type(kind, values, dtype, expected):
    series = column(kind, values)
    assert series.dtype == dtype
    assert list(series) == expected


def test_null_is_missing_in_a_column_of_strings():
    assert column("string", ["a", None]).isna().tolist() == [False, True]


def test_null_is_not_a_number_in_a_column_of_doubles():
    values = list(column("double", [1.0, None, "NaN", "-Infinity"]))
    assert math.isnan(values[1])
    assert math.isnan(values[2])
    assert values[3] == -math.inf


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("long", 2.5),
        ("long", True),
        ("long", "2"),
        ("long", None),
        ("long", 2**63),
        ("long", 1e300),
        ("integer", 2**31),
        ("double", "2.5"),
        ("double", False),
        ("double", 10**400),
        ("float", 1e39),
        ("boolean", "true"),
        ("boolean", 2),
        ("boolean", None),
        ("string", 5),
        ("binary", "no base64!"),
        ("binary", 5),
        ("datetime", 1700000000),
        ("datetime", "tomorrow"),
        ("datetime", "2024-13-01"),
        ("datetime", "9999-01-01"),
    ],
)
def test_a_value_that_would_have_to_change_is_refused_with_its_place(kind, value):
    assert "column 'x'" in refused(kind, [value])
    assert f"(type {kind})" in refused(kind, [value])


def test_the_first_bad_row_is_named():
    assert refused("long", [1, 2, 3.5, 4.5]).startswith("column 'x', row 2: 3.5 is not a whole number")


def test_moments_may_have_a_time_zone():
    moments = ["2024-05-31", "2024-05-31T12:00:00+02:00", "2024-05-31 12:00:00.123456789Z", None]
    series = column("datetime", moments)
    assert series.dtype == "datetime64[ns]"
    assert list(series[:3]) == [
        pd.Timestamp("2024-05-31"),
        pd.Timestamp("2024-05-31T10:00:00"),
        pd.Timestamp("2024-05-31T12:00:00.123456789"),
    ]
    assert series[3] is pd.NaT


def test_columns_come_in_the_order_of_the_signature_without_unknown_ones():
    frame = decode(
        {"columns": ["c", "b", "a"], "index": [7, 8], "data": [[1, 2, 3], [4, 5, 6]]},
        columns(("a", "long"), ("b", "double")),
        "input_data",
    )
    assert list(frame.columns) == ["a", "b"]
    assert list(frame.index) == [7, 8]
    assert frame["a"].tolist() == [3, 6]


def test_an_optional_column_may_be_absent_or_all_null():
    wanted = columns(("a", "long"), ("b", "long", False))
    assert list(decode({"columns": ["a"], "data": [[1]]}, wanted, "x").columns) == ["a"]
    assert list(decode({"columns": ["a", "b"], "data": [[1, None]]}, wanted, "x").columns) == ["a"]
    with pytest.raises(ClientError, match="missing column 'a'"):
        decode({"columns": ["b"], "data": [[1]]}, wanted, "x")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"columns": ["a", "a"], "data": []}, "'a' is there twice"),
        ({"columns": ["a", "b"], "data": [[1, 2], [1]]}, "row 1 has 1 values, 2 are expected"),
        ({"columns": ["a", "b"], "data": [5]}, "row 0 has to be a list"),
        ({"columns": ["a", "b"], "data": [[1, 2]], "index": [1, 2]}, "'index' has 2 entries for 1 rows"),
        ({"columns": "ab", "data": [[1, 2]]}, "'columns' has to be a list"),
        ({"data": [[1, 2, 3]]}, "3 unnamed columns, the model takes 2"),
        ([{"a": 1, "b": 2}, {"a": 1}], "row 1 has no 'b'"),
        ({"a": [1, 2], "b": [1]}, "differ in length"),
        ([1, 2], "has to be a table"),
        ("text", "has to be a table"),
        (None, "has to be a table"),
    ],
)
def test_a_table_that_is_none_is_refused(payload, reason):
    with pytest.raises(ClientError, match=reason):
        decode(payload, columns(("a", "long"), ("b", "long")), "input_data")


@pytest.mark.parametrize(
    "payload",
    [
        {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]},
        {"data": [[1, 2], [3, 4]]},
        [[1, 2], [3, 4]],
        [{"b": 2, "a": 1}, {"a": 3, "b": 4}],
        {"b": [2, 4], "a": [1, 3]},
    ],
)
def test_a_table_can_be_written_in_five_ways(payload):
    frame = decode(payload, columns(("a", "long"), ("b", "double")), "input_data")
    assert frame.to_dict("list") == {"a": [1, 3], "b": [2.0, 4.0]}


def test_unnamed_columns_are_taken_in_their_order():
    frame = decode({"columns": ["p", "q"], "data": [[1, 2]]}, columns((None, "double"), (None, "long")), "x")
    assert frame.dtypes.astype(str).to_dict() == {"p": "float64", "q": "int64"}
    assert decode(["one", "two"], columns((None, "string")), "x")[0].tolist() == ["one", "two"]


def test_an_empty_table_has_the_models_columns():
    frame = decode([], columns(("a", "long"), ("b", "double")), "x")
    assert (list(frame.columns), len(frame)) == (["a", "b"], 0)


def test_a_table_without_a_signature_is_read_as_it_stands():
    frame = decode({"columns": ["date", "n"], "data": [["2024-01-01", 1], ["2024-01-02", None]]}, NOTHING, "x")
    assert frame["date"].tolist() == ["2024-01-01", "2024-01-02"]
    assert math.isnan(frame["n"][1])
    assert decode([[1, 2], [3, 4]], NOTHING, "x").shape == (2, 2)
    assert decode({"a": [1.5]}, NOTHING, "x")["a"].dtype == "float64"
    assert list(decode([{"a": 1}, {"a": 2}], NOTHING, "x")["a"]) == [1, 2]


def test_a_model_with_type_hints_gets_the_raw_value():
    typed = signature.parse_signature({"is_signature_from_type_hint": True})
    assert decode([{"a": 1}], typed, "inputs") == [{"a": 1}]


def test_a_tensor_may_have_several_free_dimensions():
    wanted = tensors((None, "uint8", [-1, -1, -1, 3]))
    array = decode([[[[1, 2, 3], [4, 5, 255]]]], wanted, "inputs")
    assert (array.dtype, array.shape) == ("uint8", (1, 1, 2, 3))
    assert decode([], wanted, "inputs").shape == (0, 0, 0, 3)


@pytest.mark.parametrize(
    ("dtype", "shape", "payload", "reason"),
    [
        ("float64", [-1, 2], [[1, 2, 3]], r"shape is \(1, 3\), the model takes \(-1, 2\)"),
        ("float64", [-1, 2], [1, 2], r"shape is \(2,\)"),
        ("float64", [-1, 2], [[1, 2], [3]], "not of equal length"),
        ("float64", [-1], ["1.5"], "takes numbers"),
        ("float64", [-1], [True], "takes numbers"),
        ("float32", [-1], [1e39], "numbers of that range"),
        ("int64", [-1], [2.5], "whole numbers"),
        ("int64", [-1], [None], "whole numbers"),
        ("uint8", [-1], [256], "whole numbers from 0 to 255"),
        ("uint8", [-1], [-1], "whole numbers from 0 to 255"),
        ("bool", [-1], ["true"], "booleans"),
        ("datetime64[ns]", [-1], ["soon"], "ISO 8601"),
        ("float64", [-1], {"a": [1]}, "has to be a list"),
    ],
)
def test_a_tensor_that_does_not_fit_is_refused(dtype, shape, payload, reason):
    with pytest.raises(ClientError, match=reason):
        decode(payload, tensors((None, dtype, shape)), "inputs")


def test_tensors_are_converted_where_no_number_changes():
    assert decode([1, 2.0], tensors((None, "int32", [-1])), "x").dtype == "int32"
    assert math.isnan(decode([1, None], tensors((None, "float32", [-1])), "x")[1])
    assert decode([[1, 0]], tensors((None, "bool", [-1, 2])), "x").tolist() == [[True, False]]
    assert decode(["a", "b"], tensors((None, "str", [-1])), "x").tolist() == ["a", "b"]
    assert decode(["2024-01-01"], tensors((None, "datetime64[ns]", [-1])), "x").dtype == "datetime64[ns]"


def test_named_tensors_come_by_name_from_an_object_or_a_table():
    wanted = tensors(("a", "float32", [-1]), ("b", "int64", [-1, 2]))
    for payload in (
        {"b": [[1, 2], [3, 4]], "a": [1, 2], "c": 5},
        [{"a": 1, "b": [1, 2]}, {"a": 2, "b": [3, 4]}],
        {"columns": ["a", "b"], "data": [[1, [1, 2]], [2, [3, 4]]]},
    ):
        arrays = decode(payload, wanted, "input_data")
        assert list(arrays) == ["a", "b"]
        assert (arrays["a"].dtype, arrays["b"].shape) == ("float32", (2, 2))
    with pytest.raises(ClientError, match="missing tensor 'b'"):
        decode({"a": [1]}, wanted, "input_data")


def test_a_split_table_is_an_unnamed_tensor_too():
    array = decode({"columns": ["x", "y"], "data": [[1, 2]]}, tensors((None, "float64", [-1, 2])), "input_data")
    assert array.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([1.5, math.nan, math.inf]), [1.5, None, None]),
        (np.array([[1, 2]], dtype="int8"), [[1, 2]]),
        (np.array([0.1], dtype="float32"), [float(np.float32(0.1))]),
        (np.array(["2024-01-01", "NaT"], dtype="datetime64[D]"), ["2024-01-01", None]),
        (np.float64(0.5), 0.5),
        (pd.DataFrame({"a": [1, 2], "b": ["x", None]}), [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
        (pd.DataFrame({0: [pd.Timestamp("2024-01-01"), pd.NaT]}), [{"0": "2024-01-01T00:00:00"}, {"0": None}]),
        (pd.Series([1, 2], name="y"), [{"y": 1}, {"y": 2}]),
        ({"a": np.array([1]), 2: (np.int64(1), None)}, {"a": [1], "2": [1, None]}),
        ([b"\x00\xff", datetime.date(2024, 1, 2), {1.5}], ["AP8=", "2024-01-02", [1.5]]),
        ({np.int64(3): pd.NA}, {"3": None}),
        ("text", "text"),
        (None, None),
    ],
)
def test_answers_become_valid_json(value, expected):
    assert json.loads(encode(value), parse_constant=pytest.fail) == expected


def test_an_answer_without_a_form_in_json_is_an_error():
    with pytest.raises(TypeError, match="function"):
        encode([test_a_model_with_type_hints_gets_the_raw_value])


def test_mlflows_nan_is_read_though_it_is_no_json():
    assert math.isnan(bodies.parse_json(b'{"a": NaN}')["a"])
    with pytest.raises(ClientError, match="not JSON"):
        bodies.parse_json(b'{"a": NaN')


def test_nested_input_data_is_unwrapped():
    azureml = importlib.import_module(PACKAGE + ".protocols.azureml")
    request = importlib.import_module(PACKAGE + ".wire").Request
    body = b'{"input_data": {"input_data": [1]}, "params": {"p": 1}}'
    call = azureml.read(request("score", body=body), NOTHING)
    assert (call.payload, call.params) == ([1], {"p": 1})
