"""Tables in all their forms, with and without a signature."""

from __future__ import annotations

import importlib
import json
import math
import tracemalloc

import pytest
from codec_support import NOTHING, PACKAGE, ClientError, InputError, columns, decode, module, np, refused, signed

bodies = module("protocols.json_body")
TWO = columns(("a", "long"), ("b", "double"))


@pytest.mark.parametrize(
    "payload",
    [
        {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]},
        {"columns": ["b", "extra", "a"], "index": [5, 6], "data": [[2, "x", 1], [4, None, 3]]},
        {"data": [[1, 2], [3, 4]]},
        [[1, 2], [3, 4]],
        [{"b": 2, "a": 1, "extra": []}, {"a": 3, "b": 4}],
        {"b": [2, 4], "a": [1, 3]},
    ],
)
def test_a_table_can_be_written_in_many_ways(payload):
    frame = decode(payload, TWO, "input_data")
    assert frame.to_dict("list") == {"a": [1, 3], "b": [2.0, 4.0]}
    assert list(frame.columns) == ["a", "b"]
    assert frame.dtypes.astype(str).to_list() == ["int64", "float64"]


@pytest.mark.parametrize(
    ("names", "payload", "expected"),
    [
        (("data",), {"columns": ["data"], "data": [[1], [2]]}, {"data": [1, 2]}),
        (("data",), {"data": [1, 2]}, {"data": [1, 2]}),
        (("data", "index"), {"data": [1, 2], "index": [3, 4]}, {"data": [1, 2], "index": [3, 4]}),
        (("data", "index"), {"columns": ["index", "data"], "data": [[3, 1]]}, {"data": [1], "index": [3]}),
        (("data", "other"), {"columns": ["data", "other"], "data": [[1, 2]]}, {"data": [1], "other": [2]}),
    ],
)
def test_columns_may_be_called_like_the_keys_of_a_split_table(names, payload, expected):
    wanted = columns(*((name, "long") for name in names))
    assert decode(payload, wanted, "input_data").to_dict("list") == expected


def test_without_a_signature_a_text_is_read_as_the_json_that_it_is():
    frame = decode('{"columns": ["a"], "data": [[1], [2]]}', NOTHING, "input_data")
    assert frame.to_dict("list") == {"a": [1, 2]}
    assert decode(" [[1, 2]]", NOTHING, "input_data").tolist() == [[1, 2]]
    for text in ("plain words", "[no json", "5", ""):
        assert decode(text, NOTHING, "input_data") == text


def test_data_that_is_no_list_is_said_to_be_none():
    for signature in (TWO, NOTHING):
        assert refused({"columns": ["a", "b"], "data": 5}, signature) == (
            "input_data has to be an object with a list 'data', and with 'columns' and 'index'"
        )


def test_the_index_of_a_request_is_kept():
    payload = {"columns": ["a", "b"], "index": [7, "x"], "data": [[1, 2], [3, 4]]}
    assert list(decode(payload, TWO, "input_data").index) == [7, "x"]
    doubles = columns(("a", "double"), ("b", "double"))
    assert list(decode(payload, doubles, "input_data").index) == [7, "x"]
    assert list(decode([[1, 2], [3, 4]], doubles, "input_data").index) == [0, 1]


def test_an_optional_column_may_be_absent():
    wanted = columns(("a", "long"), ("b", "long", False), ("c", "double", False))
    assert list(decode({"columns": ["a"], "data": [[1]]}, wanted, "x").columns) == ["a"]
    with pytest.raises(InputError, match="missing column 'a'; the model takes 'a', 'b', 'c'"):
        decode({"columns": ["b"], "data": [[1]]}, wanted, "x")


def test_an_optional_column_of_null_alone_is_absent_where_its_type_has_no_missing_value():
    wanted = columns(("a", "long"), ("b", "long", False), ("c", "double", False))
    frame = decode({"columns": ["a", "b", "c"], "data": [[1, None, None]]}, wanted, "x")
    assert list(frame.columns) == ["a", "c"]
    assert math.isnan(frame["c"][0])


def test_a_table_of_optional_columns_alone_keeps_its_rows():
    assert len(decode([{"z": 1}, {"z": 2}], columns(("a", "long", False)), "x")) == 2


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"columns": ["a", "a"], "data": []}, "the column 'a' is there twice"),
        ({"columns": ["a", "secret", "secret"], "data": []}, "the name of column 2 is there twice"),
        ({"columns": ["a", "b"], "data": [[1, 2], [1]]}, "row 1 has 1 values, 2 are expected"),
        ({"columns": ["a", "b"], "data": ["secret"]}, "row 0 has to be a list of values, got a string"),
        ({"columns": ["a", "b"], "data": [[1, 2]], "index": [1, 2]}, "'index' has 2 entries for 1 rows"),
        ({"columns": "secret", "data": [[1, 2]]}, "'columns' has to be a list, got a string"),
        ({"columns": [["secret"], "b"], "data": [[1, 2]]}, "'columns' has to hold strings or numbers"),
        ({"columns": ["a", "b"], "index": [{}], "data": [[1, 2]]}, "'index' has to hold strings or numbers"),
        ({"data": [[1, 2, 3]]}, "3 unnamed columns, the model takes 2: 'a', 'b'"),
        ([{"a": 1, "b": 2}, {"a": 1}], "row 1 has no 'b'"),
        ({"a": [1, 2], "b": [1], "secret": [1]}, "the columns differ in length: 'a' 2, 'b' 1"),
        ([1, 2], "has to be a table"),
        ("secret", "has to be a table: .*; got a string"),
        (None, "has to be a table: .*; got null"),
    ],
)
def test_what_is_no_table_is_refused_without_what_the_caller_sent(payload, reason):
    with pytest.raises(ClientError, match=reason) as problem:
        decode(payload, TWO, "input_data")
    assert "secret" not in problem.value.message


@pytest.mark.parametrize(
    ("form", "payload", "reason"),
    [
        ("records", {"a": 1}, "has to be a list of objects, one a row, got an object"),
        ("records", [{"a": 1}, 5], "row 1 has to be an object, got a whole number"),
        ("split", [[1, 2]], "has to be an object with a list 'data'"),
    ],
)
def test_a_form_that_is_named_has_to_be_that(form, payload, reason):
    assert reason in refused(payload, TWO, form)


def test_names_that_each_row_has_alone_do_not_fill_the_memory():
    """A table of all their names would have a million times the cells of the request."""
    records = [{"a": row, "b": 1, f"secret{row}": 1} for row in range(5_000)]
    tracemalloc.start()
    try:
        assert decode(records, TWO, "x")["a"].tolist() == list(range(5_000))
        unnamed = refused(records, NOTHING)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20
    assert unnamed == "input_data: hardly two rows have the same names; a table of them would be almost empty"
    assert "hardly two rows" in refused(records, columns((None, "long"), (None, "long")))
    sparse = decode([{"a": 1, f"b{row % 9}": 1} for row in range(1_000)], NOTHING, "x")
    assert sparse.shape == (1_000, 10)


def test_the_first_row_that_does_not_fit_is_named():
    rows = [[1, 1], [2, 2], [3.5, 3], [4.5, 4]]
    assert refused(rows, TWO).startswith("column 'a', row 2: expected a whole number")


def test_unnamed_columns_are_taken_in_their_order():
    unnamed = columns((None, "double"), (None, "long"))
    frame = decode({"columns": ["p", "q"], "data": [[1, 2]]}, unnamed, "x")
    assert frame.dtypes.astype(str).to_dict() == {"p": "float64", "q": "int64"}
    assert "column 1, row 0" in refused({"columns": ["p", "secret"], "data": [[1, "x"]]}, unnamed)
    assert decode(["one", "two"], columns((None, "string")), "x")[0].tolist() == ["one", "two"]
    assert "3 columns, the model takes 2" in refused([[1, 2, 3]], unnamed)


def test_an_empty_table_has_the_models_columns():
    for wanted in (TWO, columns(("a", "double"), ("b", "double"))):
        frame = decode([], wanted, "x")
        assert (list(frame.columns), len(frame)) == (["a", "b"], 0)
        assert frame["b"].dtype == "float64"


def test_a_frame_may_be_changed_without_changing_the_next():
    wanted = columns(("a", "double"), ("b", "double"))
    for _ in range(2):
        frame = decode([[1.5, 2.5]], wanted, "x")
        assert (frame.columns.name, frame["a"].tolist()) == (None, [1.5])
        frame.columns.name = "mine"
        frame["a"] = 7.0
        frame.loc[0, "b"] = 8.0


def test_a_table_of_doubles_lies_in_memory_as_mlflow_would_lay_it():
    doubles = decode([[1.5, 2.5], [3.5, 4.5]], columns(("a", "double"), ("b", "double")), "x").to_numpy()
    assert doubles.flags.f_contiguous
    assert not doubles.flags.c_contiguous


def test_a_table_without_a_signature_is_read_as_it_stands():
    frame = decode({"columns": ["date", "n"], "data": [["2024-01-01", 1], ["2024-01-02", None]]}, NOTHING, "x")
    assert frame["date"].tolist() == ["2024-01-01", "2024-01-02"]
    assert math.isnan(frame["n"][1])
    assert decode([[1, 2], [3, 4]], NOTHING, "x").shape == (2, 2)
    assert decode({"a": [1.5]}, NOTHING, "x")["a"].dtype == "float64"
    assert list(decode([{"a": 1}, {"a": 2}], NOTHING, "x")["a"]) == [1, 2]
    assert decode([1, "a"], NOTHING, "x").tolist() == [1, "a"]
    assert decode(5, NOTHING, "x") == 5


def test_a_model_with_type_hints_gets_the_raw_value():
    typed = module("codec.signature").parse_signature({"is_signature_from_type_hint": True})
    assert decode([{"a": 1}], typed, "inputs") == [{"a": 1}]
    assert decode([[1]], TWO, "inputs", "raw") == [[1]]


def test_a_single_nested_column_takes_one_value_or_a_list_of_them():
    wanted = signed([{"type": "object", "properties": {"a": {"type": "long"}}}])
    assert decode({"a": 1}, wanted, "x")[0].tolist() == [{"a": 1}]
    assert decode([{"a": 1}, {"a": 2}], wanted, "x")[0].tolist() == [{"a": 1}, {"a": 2}]


def test_an_object_whose_lists_hold_no_lists_is_one_row_where_a_column_takes_lists():
    message = {"type": "object", "properties": {"content": {"type": "string"}}}
    wanted = signed(
        [
            {"name": "messages", "type": "array", "items": message, "required": True},
            {"name": "stop", "type": "array", "items": {"type": "string"}, "required": False},
            {"name": "n", "type": "long", "required": False},
        ]
    )
    chat = {"messages": [{"content": "a"}, {"content": "b"}], "stop": ["x"], "n": 2, "more": [1, 2]}
    frame = decode(chat, wanted, "x")
    assert [list(cell) for cell in frame["messages"]] == [chat["messages"]]
    assert ([list(cell) for cell in frame["stop"]], frame["n"].tolist()) == ([["x"]], [2])
    assert len(decode({"messages": [[{"content": "a"}], [{"content": "b"}]]}, wanted, "x")) == 2
    assert "'messages', row 0" in refused({"messages": ["secret"]}, wanted)


def test_a_column_that_is_an_array_already_is_cast_without_loss():
    cast, column = module("codec.columns").cast_column, module("codec.signature").Column
    large = np.array([1, 2**40])
    assert cast(large, column("x", "long", True), "x") is large
    assert cast(np.array([2**60]), column("x", "double", True), "x").tolist() == [2.0**60]
    assert cast(np.array([2.0**60]), column("x", "long", True), "x").tolist() == [2**60]
    assert cast(np.array([], dtype="int8"), column("x", "double", True), "x").dtype == "float64"
    assert cast(np.array([1.0, 2.0]), column("x", "integer", True), "x").dtype == "int32"
    assert cast(np.array([1, 0], dtype="uint8"), column("x", "boolean", True), "x").tolist() == [True, False]
    assert cast(np.array([0.1]), column("x", "float", True), "x").dtype == "float32"
    assert cast(np.array(["2024-01-01"], dtype="datetime64[D]"), column("x", "datetime", True), "x").dtype.name == (
        "datetime64[ns]"
    )
    for values, kind, got in (
        (large, "integer", "out of range"),
        (np.array([1, 2.5]), "long", "a number with a fraction"),
        (np.array([1, 2.0**63]), "long", "out of range"),
        (np.array([1, 2.0**31], dtype="float32"), "integer", "out of range"),
        (np.array([1, 2**63 - 1]), "double", "more digits"),
        (np.array([1, 2**64 - 1], dtype="uint64"), "float", "more digits"),
        (np.array([1, np.nan]), "boolean", "NaN"),
        (np.array([1, 2**53 + 1]), "double", "more digits"),
        (np.array([0.5, 1e39]), "float", "out of range"),
        (np.array([1, 2]), "boolean", "a whole number"),
        (np.array(["2024-01-01", "9999-01-01"], dtype="datetime64[D]"), "datetime", "a time out of range"),
    ):
        with pytest.raises(InputError, match=f"x, row 1: .*{got}"):
            cast(values, column("x", kind, True), "x")


def test_columns_of_several_requests_may_be_joined_from_arrays():
    cast, column = module("codec.columns").cast_column, module("codec.signature").Column
    for values, kind in (
        (np.array([1, 2]), "long"),
        (np.array([0.5, 1.5]), "double"),
        (np.array([True, False]), "boolean"),
        (np.array(["2024-01-01"], dtype="datetime64[ns]"), "datetime"),
    ):
        assert cast([*values, *values], column("x", kind, True), "x").tolist() == [*values.tolist(), *values.tolist()]


def test_mlflows_nan_is_read_though_it_is_no_json():
    assert math.isnan(bodies.parse_json(b'{"a": NaN}')["a"])
    with pytest.raises(ClientError, match="not JSON"):
        bodies.parse_json(b'{"a": NaN')


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**300 + 1])
def test_whole_numbers_are_exact_in_every_place(number):
    azureml, request = module("protocols.azureml"), module("wire").Request
    for text, value in ((b"[%d]", [number]), (b'{"a":%d}', {"a": number}), (b"[0.5 ,\n%d ]", [0.5, number])):
        body = text % number
        assert bodies.parse_json(body) == value
        assert module("protocols.datatypes").from_json([body.decode()], [1], "x") == [value]
        assert azureml.members(request("score", body=b'{"x":' + body + b"}")) == {"x": value}


def test_digits_that_are_no_long_number_stay_what_they_are():
    for text in ("[0.00012345678901234567]", '["12345678901234567890123"]', "[1e300]", "[1234567890123456789]"):
        assert bodies.parse_json(text.encode()) == json.loads(text)
    assert bodies.parse_json(b"[12345678901234567890123.0]") == [12345678901234567890123.0]


def test_what_is_nested_too_deeply_beside_a_long_number_is_refused():
    with pytest.raises(ClientError, match="too long to be read exactly"):
        bodies.parse_json(b"[" * 1000 + b"1" * 30 + b"]" * 1000)


def test_nested_input_data_is_unwrapped():
    azureml = importlib.import_module(PACKAGE + ".protocols.azureml")
    request = importlib.import_module(PACKAGE + ".wire").Request
    body = b'{"input_data": {"input_data": [1]}, "params": {"p": 1}}'
    call = azureml.read(request("score", body=body), NOTHING)
    assert (call.payload, call.params) == ([1], {"p": 1})
