"""A model asked directly answers as MLflow's `predict` does; test_environment.py runs this where MLflow is."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from codec_support import InputError, encode, module, np, pd

mlflow = pytest.importorskip("mlflow.pyfunc")
MODELS = Path(__file__).resolve().parents[3] / "fixtures" / "models"
NAMES = ["diabetes", "forest", "tensors", "named-tensors", "pyfunc-code", "params", "lightgbm"]
Call = module("codec.call").Call
model = module("worker.model")
direct = module("worker.direct")

CODE = """
import mlflow.pyfunc


class Told:
    def predict(self, data{arguments}):
        return {answer}

    predict_proba = predict


def _load_pyfunc(path):
    return Told()
"""


def load(name):
    return model.Model(MODELS / name)


def example(name):
    body = json.loads((MODELS / name / "serving_input_example.json").read_text(encoding="utf-8"))
    form = "split" if "dataframe_split" in body else "any"
    return Call(body.get("dataframe_split", body.get("inputs")), body.get("params"), "x", form)


def written(folder, inputs, *, arguments="", answer="data", params=(), flavor=(), **mlmodel):
    """A model of code that answers as it is told."""
    (folder / "code").mkdir()
    (folder / "code" / "told.py").write_text(CODE.format(arguments=arguments, answer=answer))
    signature = {"inputs": json.dumps(inputs), "params": json.dumps(params) if params else None}
    flavors = {"python_function": {"loader_module": "told", "code": "code", **dict(flavor)}}
    (folder / "MLmodel").write_text(json.dumps({"flavors": flavors, "signature": signature, **mlmodel}))
    return model.Model(folder)


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    monkeypatch.delitem(__import__("sys").modules, "told", raising=False)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_answers_the_same_bytes_as_with_mlflows_predict(name):
    asked = load(name)
    call = example(name)
    assert asked._direct is not None
    assert direct.fits(asked.decode(call), asked.signature)
    given = {} if call.params is None else {"params": call.params}
    assert encode(asked.predict(asked.decode(call), call.params)) == encode(
        asked._model.predict(asked.decode(call), **given)
    )


COLUMNS = [
    {"type": kind, "name": kind, "required": kind != "double"}
    for kind in ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")
]
ROW = [True, 1, 2**60, 0.5, 2.5, "a", "AP8=", "2024-05-31T12:00:00+02:00"]
HOLES = [True, 1, 2, None, None, None, None, None]


@pytest.mark.parametrize("rows", [[ROW], [ROW, HOLES], [HOLES]])
@pytest.mark.parametrize("index", [None, ["x", 7]])
def test_the_model_gets_the_frame_that_mlflow_would_give_it(tmp_path, rows, index):
    asked = written(tmp_path, COLUMNS)
    payload = {"columns": [part["name"] for part in COLUMNS], "data": rows, "index": index and index[: len(rows)]}
    data = asked.decode(Call(payload, form="split"))
    assert asked._direct is not None
    pd.testing.assert_frame_equal(asked._direct(data, {}), asked._model.predict(data))


@pytest.mark.parametrize(
    ("kind", "cells"), [("double", [0.5, None]), ("float", [0.5, 1]), ("long", [1, 2]), ("boolean", [True, False])]
)
def test_a_frame_of_one_type_is_laid_out_in_memory_as_by_mlflow(tmp_path, kind, cells):
    """Sums of floating-point numbers depend on their order, and libraries add them up as they lie."""
    asked = written(tmp_path, [{"type": kind, "name": name, "required": True} for name in ("a", "b")])
    data = asked.decode(Call([cells, cells[::-1], cells]))
    ours, theirs = asked._direct(data, {}), asked._model.predict(data)
    pd.testing.assert_frame_equal(ours, theirs)
    assert ours.to_numpy().strides == theirs.to_numpy().strides


@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", "bool", "datetime64[ns]", "str"])
def test_the_model_gets_the_array_that_mlflow_would_give_it(tmp_path, dtype):
    asked = written(tmp_path, [{"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": [-1, 1]}}])
    value = {"str": ["a"], "datetime64[ns]": ["2024-01-01"]}.get(dtype, [1])
    data = asked.decode(Call([value, value]))
    assert direct.fits(data, asked.signature) == (dtype != "str")
    np.testing.assert_array_equal(asked.predict(data, None), asked._model.predict(data))


SCHEMA = [
    {"name": "a", "type": "double", "default": 2.0, "shape": None},
    {"name": "b", "type": "integer", "default": 1, "shape": None},
    {"name": "c", "type": "string", "default": ["x"], "shape": [-1]},
    {"name": "d", "type": "datetime", "default": "2024-01-01T00:00:00", "shape": None},
]


@pytest.mark.parametrize(
    "params", [None, {}, {"a": 3, "unknown": 1}, {"b": 5, "c": ["y"], "d": "2024-05-31"}, {"a": None}]
)
@pytest.mark.parametrize("schema", [SCHEMA, []])
@pytest.mark.parametrize("arguments", [", params=None", ", params", "", ", **params"])
def test_parameters_reach_the_model_as_with_mlflow(tmp_path, arguments, schema, params):
    answer = "[params]" if arguments else "['none']"
    asked = written(tmp_path, COLUMNS[2:3], arguments=arguments, answer=answer, params=schema)
    data = asked.decode(Call([[1]]))
    assert asked._direct is not None
    given = module("codec.params").read_params(params, asked.signature.params)
    wanted = asked._model.predict(data, params=given) if given else asked._model.predict(data)
    assert asked.predict(data, params) == wanted


def test_the_function_that_the_model_names_is_asked(tmp_path):
    asked = written(tmp_path, COLUMNS[2:3], answer="'proba'", flavor={"predict_fn": "predict_proba"})
    assert asked._direct(asked.decode(Call([[1]])), {}) == "proba"


def test_what_a_prediction_is_traced_as_is_the_same(tmp_path):
    answer = "__import__('mlflow.pyfunc.context').pyfunc.context.get_prediction_context()"
    asked = written(tmp_path, COLUMNS[2:3], answer=answer)
    data = asked.decode(Call([[1]]))
    assert vars(asked._direct(data, {})) == vars(asked._model.predict(data))


@pytest.mark.parametrize(
    "mlmodel",
    [
        {"type_hint_from_example": True},
        {"metadata": {"dependencies_schemas": {"retriever_schemas": []}}},
    ],
    ids=["example", "sources"],
)
def test_mlflow_is_asked_where_it_does_more(tmp_path, mlmodel):
    assert written(tmp_path, COLUMNS[2:3], **mlmodel)._direct is None


def test_mlflow_is_asked_without_a_signature_and_for_nested_columns(tmp_path):
    assert load("no-signature")._direct is None
    nested = written(tmp_path, [{"type": "array", "items": {"type": "long"}, "name": "a", "required": True}])
    assert nested._direct is None
    data = nested.decode(Call([{"a": [1, 2]}]))
    assert nested.predict(data, None)["a"][0] == [1, 2]


def test_mlflow_is_asked_where_something_is_wrapped_around_its_predict(tmp_path, monkeypatch):
    before = mlflow.PyFuncModel.predict

    def wrapped(self, data, params=None):
        return before(self, data, params)

    monkeypatch.setattr(mlflow.PyFuncModel, "predict", wrapped)
    assert written(tmp_path, COLUMNS[2:3])._direct is None


def test_a_value_that_decode_has_not_made_goes_to_mlflow(tmp_path):
    asked = written(tmp_path, COLUMNS[2:3])
    assert not direct.fits([[1]], asked.signature)
    assert not direct.fits(pd.DataFrame(index=[1]), asked.signature)


NESTED = [
    {
        "type": "object",
        "name": "a",
        "required": True,
        "properties": {
            "flag": {"type": "boolean", "required": True},
            "i": {"type": "integer", "required": True},
            "f": {"type": "float", "required": False},
            "when": {"type": "datetime", "required": True},
            "raw": {"type": "binary", "required": False},
            "list": {"type": "array", "items": {"type": "double"}, "required": True},
            "small": {"type": "array", "items": {"type": "integer"}, "required": True},
            "map": {"type": "map", "values": {"type": "string"}, "required": True},
        },
    }
]


def test_mlflow_takes_what_is_made_of_nested_values(tmp_path):
    asked = written(tmp_path, NESTED)
    value = {
        "flag": 1,
        "i": 5,
        "f": None,
        "when": "2024-05-31",
        "raw": "AP8=",
        "list": [1],
        "small": [1],
        "map": {"k": "v"},
    }
    found = asked.predict(asked.decode(Call([{"a": {**value, "unknown": 1}}])), None)["a"][0]
    assert (found["flag"], found["i"], found["f"], found["raw"]) == (True, 5, None, b"\x00\xff")
    assert (found["list"], list(found["small"]), found["map"]) == ([1.0], [1], {"k": "v"})


def test_what_mlflow_refuses_is_a_fault_of_the_input_without_its_text(tmp_path, caplog):
    asked = written(tmp_path, COLUMNS[2:3])
    with caplog.at_level(logging.INFO), pytest.raises(InputError) as problem:
        asked.predict(pd.DataFrame({"secret": [1]}).to_dict("list"), None)
    assert problem.value.message == model.REFUSED
    assert "secret" in caplog.text
