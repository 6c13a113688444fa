"""The Open Inference Protocol and models that take other things than a table: arrays, anything, or what hints say."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = [pytest.mark.network, pytest.mark.slow]

MODEL = """
import json
import numpy as np
import pandas as pd


def known(value):
    return value.tolist() if hasattr(value, "tolist") else str(value)


def told(value):
    if isinstance(value, pd.DataFrame):
        return {"DataFrame": {str(name): told(column.to_numpy()) for name, column in value.items()}}
    if isinstance(value, np.ndarray):
        return [str(value.dtype), list(value.shape), json.loads(json.dumps(value.tolist(), default=known))]
    if isinstance(value, dict):
        return {name: told(part) for name, part in value.items()}
    return value


class Told:
    def predict(self, data):
        return json.dumps(told(data))


def _load_pyfunc(path):
    return Told()
"""


@pytest.fixture
def serve(start, tmp_path):
    """Start a server of a model that says what it is given; its signature is that of the arguments."""

    def run(inputs=None, **more):
        (tmp_path / "code").mkdir()
        (tmp_path / "code" / "told.py").write_text(MODEL)
        content = {
            "flavors": {"python_function": {"loader_module": "told", "code": "code", "python_version": "3.11.7"}},
            **more,
        }
        if inputs is not None:
            content["signature"] = {"inputs": json.dumps(inputs), "outputs": None}
        (tmp_path / "MLmodel").write_text(json.dumps(content))
        return start(AZUREML_MODEL_DIR=str(tmp_path), MLFLOW_MODEL_FOLDER=".").wait_until_up()

    return run


def tensor(name, datatype, shape, data, **more):
    return {"name": name, "datatype": datatype, "shape": shape, "data": data, **more}


def given(server, *inputs, **more):
    """What the model was given."""
    reply = server.post("/v2/models/model/infer", {"inputs": list(inputs), **more})
    assert reply.status == 200, reply.text + server.log
    return json.loads(reply.json["outputs"][0]["data"][0])


def cells(value):
    """The elements of nested lists, row-major."""
    return [cell for part in value for cell in cells(part)] if isinstance(value, list) else [value]


def refused(server, *inputs):
    reply = server.post("/v2/models/model/infer", {"inputs": list(inputs)})
    assert reply.status == 400, reply.text
    return reply.json["error"]


def spec(dtype, shape, name=None):
    return {"type": "tensor", **({"name": name} if name else {}), "tensor-spec": {"dtype": dtype, "shape": shape}}


TYPES = {
    "bool": ("BOOL", [True, False]),
    "uint8": ("UINT8", [0, 255]),
    "uint16": ("UINT16", [0, 65535]),
    "uint32": ("UINT32", [0, 2**32 - 1]),
    "uint64": ("UINT64", [0, 2**64 - 1]),
    "int8": ("INT8", [-128, 127]),
    "int16": ("INT16", [-32768, 32767]),
    "int32": ("INT32", [-(2**31), 2**31 - 1]),
    "int64": ("INT64", [-(2**63), 2**63 - 1]),
    "float16": ("FP16", [0.5, 65504.0]),
    "float32": ("FP32", [0.5, -0.25]),
    "float64": ("FP64", [0.1, 1e300]),
    "str": ("BYTES", ["a", "bc"]),
}


def test_named_arrays_of_every_type(serve):
    server = serve([spec(dtype, [-1, 1], dtype) for dtype in TYPES])
    metadata = server.get("/v2/models/model").json
    assert {part["name"]: part["datatype"] for part in metadata["inputs"]} == {
        name: datatype for name, (datatype, _) in TYPES.items()
    }
    assert (metadata["inputs"][0]["shape"], metadata["outputs"], metadata["versions"]) == ([-1, 1], [], ["1"])
    inputs = [tensor(name, datatype, [2, 1], data) for name, (datatype, data) in TYPES.items()]
    found = given(server, *reversed(inputs))
    for name, (_, data) in TYPES.items():
        dtype, shape, values = found[name]
        assert dtype == ("<U2" if name == "str" else name)
        assert (shape, values) == ([2, 1], [[value] for value in data])
    assert "missing input 'bool'" in refused(server, *inputs[1:])
    assert "input 'more': the model has no such input" in refused(server, *inputs, tensor("more", "INT8", [1], [1]))
    inputs[0] = tensor("bool", "BOOL", [2], [True, False])
    assert "input 'bool'" in refused(server, *inputs)
    inputs[0] = tensor("bool", "BOOL", [2, 1], [True, False])
    inputs[1] = tensor("uint8", "INT64", [2, 1], [0, 256])
    assert "input 'uint8'" in refused(server, *inputs)


def test_an_array_without_a_name_takes_any(serve):
    server = serve([spec("float32", [-1, 2, 3])])
    assert server.get("/v2/models/model").json["inputs"] == [
        {"name": "input-0", "datatype": "FP32", "shape": [-1, 2, 3]}
    ]
    flat = list(range(6))
    for data in (flat, [[flat[:3], flat[3:]]]):
        expected = ["float32", [1, 2, 3], [[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]]]
        assert given(server, tensor("x", "INT64", [1, 2, 3], data)) == expected
    assert given(server, tensor("x", "FP32", [0, 2, 3], []))[1] == [0, 2, 3]
    assert "element [0, 1, 2]" in refused(server, tensor("x", "INT8", [1, 2, 3], [0, 1, 2, 3, 4, 1000]))
    assert "input 'x'" in refused(server, tensor("x", "FP32", [2, 3], flat))
    assert "input-0" in refused(server, tensor("x", "FP32", [2, 3], flat), tensor("y", "FP32", [2, 3], flat))


def test_a_model_without_a_signature_takes_arrays_or_a_table(serve):
    server = serve()
    metadata = server.get("/v2/models/model").json
    assert (metadata["inputs"], metadata["outputs"]) == ([], [])
    one, two = tensor("a", "INT16", [2], [1, 2]), tensor("b", "BYTES", [2], ["x", "y"])
    assert given(server, one) == ["int16", [2], [1, 2]]
    assert given(server, one, two) == {"a": ["int16", [2], [1, 2]], "b": ["<U1", [2], ["x", "y"]]}
    pd = {"parameters": {"content_type": "pd"}}
    assert given(server, one, two, **pd)["DataFrame"]["a"] == ["int16", [2], [1, 2]]
    table = tensor("x", "FP64", [1, 2], [1, 2], **pd)
    assert given(server, table)["DataFrame"] == {"0": ["float64", [1], [1.0]], "1": ["float64", [1], [2.0]]}
    assert given(server, tensor("x", "FP64", [1, 2], [1, 2], parameters={"content_type": "np"}))[1] == [1, 2]
    moment = tensor("t", "BYTES", [1], ["2024-01-01T00:00:00"], parameters={"content_type": "datetime"})
    assert given(server, moment)[0] == "datetime64[ns]"
    raw = tensor("t", "BYTES", [1], ["AA=="], parameters={"content_type": "base64"})
    assert given(server, raw) == ["object", [1], ["b'\\x00'"]]
    raw["data"] = ["?"]
    assert "element 0: expected base64" in refused(server, raw)


def test_columns_without_names_go_by_their_order(serve):
    server = serve([{"type": "double"}, {"type": "long"}])
    assert [part["name"] for part in server.get("/v2/models/model").json["inputs"]] == ["input-0", "input-1"]
    expected = {"0": ["float64", [2], [1.0, 3.0]], "1": ["int64", [2], [2, 4]]}
    assert given(server, tensor("x", "FP64", [2, 2], [1, 2, 3, 4]))["DataFrame"] == expected
    two = tensor("input-1", "INT8", [2], [2, 4]), tensor("input-0", "FP32", [2, 1], [1, 3])
    assert given(server, *two)["DataFrame"] == expected
    assert "3 columns" in refused(server, tensor("x", "FP64", [1, 3], [1, 2, 3]))
    assert "missing input 'input-0'" in refused(server, two[0])


def test_lists_and_objects_in_columns(serve):
    server = serve(
        [
            {"type": "array", "items": {"type": "double"}, "name": "vector", "required": True},
            {
                "type": "object",
                "properties": {"a": {"type": "long", "required": True}},
                "name": "item",
                "required": True,
            },
        ]
    )
    described = server.get("/v2/models/model").json["inputs"]
    assert described == [
        {"name": "vector", "datatype": "FP64", "shape": [-1, -1]},
        {"name": "item", "datatype": "BYTES", "shape": [-1], "parameters": {"content_type": "json"}},
    ]
    item = tensor("item", "BYTES", [2], ['{"a": 1}', '{"a": 2}'])
    for vector in (
        tensor("vector", "FP64", [2, 2], [1, 2, 3, 4]),
        tensor("vector", "BYTES", [2], ["[1.0, 2.0]", "[3.0, 4.0]"]),
    ):
        table = given(server, vector, item)["DataFrame"]
        assert table["vector"][2] == [[1.0, 2.0], [3.0, 4.0]]
        assert table["item"][2] == [{"a": 1}, {"a": 2}]
    item["data"][1] = "{"
    assert "input 'item', element 1: expected JSON texts" in refused(server, vector, item)


def test_a_model_of_type_hints_gets_the_plain_values(serve):
    server = serve([{"type": "string", "required": True}], is_signature_from_type_hint=True)
    assert given(server, tensor("x", "BYTES", [2], ["a", "b"])) == ["a", "b"]
    assert "2 inputs, the model takes one" in refused(
        server, tensor("x", "BYTES", [1], ["a"]), tensor("y", "BYTES", [1], ["a"])
    )


@pytest.mark.parametrize("name", ["diabetes", "forest", "tensors", "named-tensors", "lightgbm"])
def test_the_fixture_models_answer_what_their_own_predict_gives(name, start, model, example):
    body, expected = example(name)
    server = start(**model(name)).wait_until_up()
    described = server.get("/v2/models/model").json["inputs"]
    value = body.get("dataframe_split") or body["inputs"]
    if "dataframe_split" in body:
        data = value["data"]
        inputs = [tensor("x", "FP64", [len(data), len(data[0])], data)]
    else:
        arrays = value if isinstance(value, dict) else {"x": value}
        inputs = []
        for part, (key, data) in zip(described, arrays.items(), strict=True):
            shape, level = [], data
            while isinstance(level, list):
                shape.append(len(level))
                level = level[0]
            inputs.append(tensor(key, part["datatype"], shape, data))
    reply = server.post("/v2/models/model/infer", {"inputs": inputs})
    assert reply.status == 200, reply.text + server.log
    found = [output["data"] for output in reply.json["outputs"]]
    if isinstance(expected, dict):
        columns = list(expected.values())
    elif isinstance(expected[0], dict):
        columns = [[row[column] for row in expected] for column in expected[0]]
    else:
        columns = [expected]
    assert found == [pytest.approx(cells(column)) for column in columns]


def test_requests_that_share_a_prediction_get_their_own_answers(start, model, example):
    body, expected = example("diabetes")
    rows = body["dataframe_split"]["data"]
    server = start(**model("diabetes"), ENVBUILD_BATCH_MAX_SIZE="8", ENVBUILD_BATCH_MAX_DELAY_MS="300").wait_until_up()

    def asked(number):
        row = number % len(rows)
        inputs = [tensor("x", "FP64", [1, 10], rows[row])]
        return row, server.post("/v2/models/model/infer", {"id": str(number), "inputs": inputs}).json

    with ThreadPoolExecutor(8) as pool:
        for number, (row, answer) in enumerate(pool.map(asked, range(8))):
            assert answer["id"] == str(number)
            assert answer["outputs"][0]["data"] == [pytest.approx(expected[row])]


def test_a_script_has_no_tensors_but_lives(start, tmp_path):
    (tmp_path / "score.py").write_text("def init():\n    pass\ndef run(body):\n    return body\n")
    server = start(AML_APP_ROOT=str(tmp_path), AZUREML_ENTRY_SCRIPT="score.py").wait_until_up()
    assert server.get("/v2/health/ready").json == {"ready": True}
    missing = server.get("/v2/models/model")
    assert (missing.status, list(missing.json)) == (404, ["error"])


def test_it_lives_before_it_is_ready(start, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "late.py").write_text("import time\ntime.sleep(8)\n" + MODEL)
    content = {"flavors": {"python_function": {"loader_module": "late", "code": "code"}}}
    (tmp_path / "MLmodel").write_text(json.dumps(content))
    server = start(AZUREML_MODEL_DIR=str(tmp_path), MLFLOW_MODEL_FOLDER=".")
    server.wait_until_up(path="/v2/health/live")
    for path in ("/v2/health/ready", "/v2/models/model/ready"):
        reply = server.get(path)
        assert (reply.status, reply.json["ready"]) == (503, False)
    assert server.get("/v2/models/model").status == 200
    server.wait_until_up(path="/v2/health/ready")
    assert server.get("/v2/models/model/ready").json == {"name": "model", "ready": True}
