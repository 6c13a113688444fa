"""One input example in the words of each protocol, and spoiled."""

from __future__ import annotations

from typing import Any

import pytest

from envbuild.local.bodies import azure_body, infer_body, infer_outputs, malformed

TABLE = {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, "x"], [2.5, "y"]]}}
COLUMNS = [{"name": "a", "type": "double", "required": True}, {"name": "b", "type": "string", "required": False}]


@pytest.mark.parametrize(
    ("request_body", "data"),
    [
        (TABLE, {"columns": ["a", "b"], "data": [[1.5, "x"], [2.5, "y"]], "index": [0, 1]}),
        ({"inputs": [[1, 2]]}, [[1, 2]]),
        ({"dataframe_records": [{"a": 1}]}, [{"a": 1}]),
        ({"messages": [{"role": "user"}], "params": {}}, {"messages": [{"role": "user"}]}),
    ],
)
def test_azure_has_it_as_input_data(request_body: dict[str, Any], data: Any) -> None:
    assert azure_body(request_body) == {"input_data": data}


def test_params_go_along() -> None:
    assert azure_body({"inputs": [1], "params": {"k": 2}}) == {"input_data": [1], "params": {"k": 2}}
    assert infer_body({"inputs": [1], "params": {"k": 2}}, {"inputs": [{"name": "x"}]})["parameters"] == {"k": 2}  # type: ignore[index]


def test_columns_become_inputs_of_their_names() -> None:
    metadata = {
        "inputs": [
            {"name": "b", "datatype": "BYTES", "shape": [-1]},
            {"name": "a", "datatype": "FP64", "shape": [-1, 1]},
        ]
    }
    assert infer_body(TABLE, metadata) == {
        "inputs": [
            {"name": "b", "datatype": "BYTES", "shape": [2], "data": ["x", "y"]},
            {"name": "a", "datatype": "FP64", "shape": [2, 1], "data": [1.5, 2.5]},
        ]
    }


def test_a_tensor_keeps_its_shape_and_objects_travel_as_json() -> None:
    made = infer_body({"inputs": [[1, 2], [3, 4]]}, {"inputs": [{"name": "input-0", "datatype": "INT64"}]})
    assert made == {"inputs": [{"name": "input-0", "datatype": "INT64", "shape": [2, 2], "data": [1, 2, 3, 4]}]}
    kind = {"name": "o", "datatype": "BYTES", "shape": [-1], "parameters": {"content_type": "json"}}
    split = {"dataframe_split": {"columns": ["o"], "data": [[{"k": 1}]]}}
    assert infer_body(split, {"inputs": [kind]}) == {"inputs": [{**kind, "shape": [1], "data": ['{"k": 1}']}]}


def test_a_model_that_names_no_inputs_gets_the_columns() -> None:
    made = infer_body(TABLE, {"inputs": []})
    assert made is not None
    assert [(part["name"], part["datatype"]) for part in made["inputs"]] == [("a", "FP64"), ("b", "BYTES")]
    assert made["parameters"] == {"content_type": "pd"}
    assert infer_body({"messages": []}, {"inputs": []}) is None


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ([{"name": "output-0", "data": [1, 2]}], [1, 2]),
        (
            [{"name": "p", "data": [1.0, 2.0]}, {"name": "n", "data": ["a", "b"]}],
            [{"p": 1, "n": "a"}, {"p": 2, "n": "b"}],
        ),
        ([{"name": "k", "data": ["[1, 2]"], "parameters": {"content_type": "json"}}], {"k": [[1, 2]]}),
    ],
)
def test_outputs_compare_with_what_the_model_gives(outputs: Any, expected: Any) -> None:
    given, wanted = infer_outputs({"outputs": outputs}, expected)
    assert given == wanted


def test_an_answer_without_outputs_is_not_the_same() -> None:
    given, wanted = infer_outputs({"predictions": [1]}, [1])
    assert given != wanted


def test_a_required_column_is_dropped_and_a_number_spoiled() -> None:
    found = dict(malformed(TABLE, COLUMNS, ""))
    assert found["a column is missing"] == {"dataframe_split": {"columns": ["b"], "data": [["x"], ["y"]]}}
    assert found["a word for a number"]["dataframe_split"]["data"] == [["not a number", "x"], [2.5, "y"]]
    assert TABLE["dataframe_split"]["columns"] == ["a", "b"]


def test_named_and_unnamed_tensors_are_spoiled_too() -> None:
    named = dict(malformed({"inputs": {"x": [[1, 2]]}}, [{"name": "x", "type": "tensor", "required": True}], ""))
    assert named["a column is missing"] == {"inputs": {}}
    assert named["a word for a number"] == {"inputs": {"x": [["not a number", 2]]}}
    assert malformed({"inputs": [[1, 2]]}, [], "float64") == [
        ("a word for a number", {"inputs": [["not a number", 2]]})
    ]


def test_nothing_is_known_to_be_wrong_without_a_signature() -> None:
    assert malformed(TABLE, [], "") == []
    assert malformed({"inputs": ["x"]}, [], "str") == []
