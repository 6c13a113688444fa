"""The Open Inference Protocol over HTTP: its routes, and tables as tensors, one for each column."""

from __future__ import annotations

import base64
import json

import pytest

pytestmark = pytest.mark.network

MODEL = """
import numpy as np
import pandas as pd


class Told:
    def predict(self, data, params=None):
        what = params["what"]
        if what == "echo":
            return data
        if what == "types":
            return {name: str(dtype) for name, dtype in data.dtypes.items()}
        if what == "raise":
            raise KeyError("a secret")
        return eval(what, {"np": np, "pd": pd})


def _load_pyfunc(path):
    return Told()
"""

COLUMNS = {
    "flag": "boolean",
    "small": "integer",
    "count": "long",
    "ratio": "float",
    "price": "double",
    "name": "string",
    "image": "binary",
    "when": "datetime",
}

ROWS = {
    "flag": ("BOOL", [True, False]),
    "small": ("INT32", [-(2**31), 2**31 - 1]),
    "count": ("INT64", [2**53 + 1, -1]),
    "ratio": ("FP32", [0.5, -0.25]),
    "price": ("FP64", [0.1, 1e300]),
    "name": ("BYTES", ["ü", ""]),
    "image": ("BYTES", [base64.b64encode(b"\x00\xff").decode(), ""]),
    "when": ("BYTES", ["2024-05-31T12:00:00Z", "1999-12-31T23:59:59.5Z"]),
}


@pytest.fixture(scope="module")
def told(start, tmp_path_factory):
    """A model of all types of columns, in the folder of version 7; its parameter says what it answers."""
    folder = tmp_path_factory.mktemp("told") / "7" / "model"
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "told.py").write_text(MODEL)
    inputs = [{"type": kind, "name": name, "required": True} for name, kind in COLUMNS.items()]
    inputs.append({"type": "string", "name": "note", "required": False})
    params = [{"name": "what", "type": "string", "default": "echo", "shape": None}]
    content = {
        "flavors": {"python_function": {"loader_module": "told", "code": "code", "python_version": "3.11.7"}},
        "signature": {
            "inputs": json.dumps(inputs),
            "outputs": json.dumps([{"type": "double"}]),
            "params": json.dumps(params),
        },
    }
    (folder / "MLmodel").write_text(json.dumps(content))
    return start(AZUREML_MODEL_DIR=str(folder.parent), ENVBUILD_MODEL_NAME="told").wait_until_up()


def tensor(name, datatype, data, shape=None, **more):
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data, **more}


def rows(**changes):
    """The inputs of two good rows, some of them changed."""
    return [tensor(name, *changes.get(name, given)) for name, given in ROWS.items()]


def infer(server, inputs, model="told", **more):
    return server.post(f"/v2/models/{model}/infer", {"inputs": inputs, **more})


def answered(server, what):
    """The outputs where the model answers `what`, by their names."""
    reply = infer(server, rows(), parameters={"what": what})
    assert reply.status == 200, reply.text + server.log
    return {output.pop("name"): output for output in reply.json["outputs"]}


def test_the_server_and_the_model_say_what_they_are(told):
    assert told.get("/v2").json == {"name": "envbuild", "version": "0.1.0", "extensions": []}
    assert (told.get("/v2/health/live").status, told.get("/v2/health/live").json) == (200, {"live": True})
    assert (told.get("/v2/health/ready").status, told.get("/v2/health/ready").json) == (200, {"ready": True})
    for path in ("/v2/models/told", "/v2/models/told/versions/7"):
        assert told.get(f"{path}/ready").json == {"name": "told", "ready": True}
        metadata = told.get(path).json
        assert (metadata["name"], metadata["versions"], metadata["platform"]) == ("told", ["7"], "mlflow")
        assert [(part["name"], part["datatype"]) for part in metadata["inputs"]] == [
            *((name, datatype) for name, (datatype, _) in ROWS.items()),
            ("note", "BYTES"),
        ]
        assert all(part["shape"] == [-1] for part in metadata["inputs"])
        parameters = {part["name"]: part.get("parameters") for part in metadata["inputs"]}
        assert parameters["image"] == {"content_type": "base64"}
        assert parameters["when"] == {"content_type": "datetime"}
        assert metadata["outputs"] == [{"name": "output-0", "datatype": "FP64", "shape": [-1]}]


@pytest.mark.parametrize("path", ["/v2/models/other", "/v2/models/told/versions/8", "/v2/models/other/ready"])
def test_what_is_not_here_is_404(told, path):
    reply = told.get(path)
    assert (reply.status, list(reply.json)) == (404, ["error"])
    assert "'told', version 7" in reply.json["error"]


def test_infer_of_another_model_is_404_and_of_this_version_answered(told):
    body = {"inputs": rows()}
    assert told.post("/v2/models/other/infer", body).status == 404
    assert told.post("/v2/models/told/versions/8/infer", body).status == 404
    reply = told.post("/v2/models/told/versions/7/infer", body)
    assert (reply.status, reply.json["model_name"], reply.json["model_version"]) == (200, "told", "7")
    wrong = told.get("/v2/models/told/infer")
    assert (wrong.status, list(wrong.json)) == (405, ["error"])


def test_every_type_goes_in_and_comes_out_as_it_was(told):
    outputs = answered(told, "echo")
    assert list(outputs) == list(ROWS)
    for name, (datatype, data) in ROWS.items():
        assert outputs[name]["datatype"] == datatype
        assert outputs[name]["shape"] == [2]
        assert outputs[name]["data"] == data
    assert outputs["image"]["parameters"] == {"content_type": "base64"}
    assert outputs["when"]["parameters"] == {"content_type": "datetime"}
    types = {name: output["data"] for name, output in answered(told, "types").items()}
    assert {name: types[name] for name in ("flag", "small", "count", "ratio", "price", "when")} == {
        "flag": ["bool"],
        "small": ["int32"],
        "count": ["int64"],
        "ratio": ["float32"],
        "price": ["float64"],
        "when": ["datetime64[ns]"],
    }


@pytest.mark.parametrize("identifier", ["", "a/ü", "x" * 200, 7])
def test_the_id_is_echoed(told, identifier):
    assert infer(told, rows(), id=identifier).json["id"] == identifier


@pytest.mark.parametrize("identifier", [False, 1.5, [], {}])
def test_an_id_that_is_none_is_refused(told, identifier):
    reply = infer(told, rows(), id=identifier)
    assert reply.status == 400
    assert reply.json["error"].startswith("'id' has to be a string, got ")


def test_without_an_id_there_is_none(told):
    assert "id" not in infer(told, rows()).json


def test_columns_of_one_value_a_row_and_nested_data(told):
    inputs = [{**part, "shape": [2, 1], "data": [[value] for value in part["data"]]} for part in rows()]
    assert infer(told, inputs).json["outputs"][2]["data"] == [2**53 + 1, -1]


def test_an_optional_column_may_come_or_stay_away(told):
    assert len(infer(told, rows()).json["outputs"]) == 8
    reply = infer(told, [*rows(), tensor("note", "BYTES", ["n", None])])
    assert reply.json["outputs"][8] == {"name": "note", "datatype": "BYTES", "shape": [2], "data": ["n", None]}


def test_other_types_are_taken_where_nothing_is_lost(told):
    inputs = rows(
        flag=("UINT8", [1, 0]),
        small=("FP64", [1.0, 2.0]),
        count=("UINT64", [2**63 - 1, 0]),
        ratio=("INT8", [1, -1]),
        price=("FP16", [None, 2]),
    )
    outputs = {part["name"]: part["data"] for part in infer(told, inputs).json["outputs"]}
    assert outputs["flag"] == [True, False]
    assert outputs["small"] == [1, 2]
    assert outputs["count"] == [2**63 - 1, 0]
    assert outputs["ratio"] == [1.0, -1.0]
    assert outputs["price"] == [None, 2.0]


def test_base64_of_text_is_text_for_a_column_of_strings(told):
    inputs = rows()
    inputs[5] = tensor(
        "name", "BYTES", [base64.b64encode("ü".encode()).decode(), ""], parameters={"content_type": "base64"}
    )
    assert infer(told, inputs).json["outputs"][5]["data"] == ["ü", ""]


def test_outputs_are_chosen_by_name_and_order(told):
    reply = infer(told, rows(), outputs=[{"name": "price"}, {"name": "flag", "parameters": {"binary_data": False}}])
    assert [output["name"] for output in reply.json["outputs"]] == ["price", "flag"]
    unknown = infer(told, rows(), outputs=[{"name": "cost"}])
    assert unknown.status == 400
    assert "no output 'cost'; it has 'flag', 'small'" in unknown.json["error"]


@pytest.mark.parametrize(
    ("what", "name", "datatype", "shape", "data"),
    [
        ("np.array([[1.5, np.nan], [np.inf, 2]])", "output-0", "FP64", [2, 2], [1.5, None, None, 2.0]),
        ("np.array([1, 2], dtype='uint8')", "output-0", "UINT8", [2], [1, 2]),
        ("np.float16(0.5)", "output-0", "FP16", [1], [0.5]),
        ("[True, False]", "output-0", "BOOL", [2], [True, False]),
        ("[1, 2]", "output-0", "INT64", [2], [1, 2]),
        ("[[1, 2], [3, 4.5]]", "output-0", "FP64", [2, 2], [1.0, 2.0, 3.0, 4.5]),
        ("['a', 'b']", "output-0", "BYTES", [2], ["a", "b"]),
        ("np.array(['a', 'b'])", "output-0", "BYTES", [2], ["a", "b"]),
        ("'text'", "output-0", "BYTES", [1], ["text"]),
        ("7", "output-0", "INT64", [1], [7]),
        ("[[1], [2, 3]]", "output-0", "BYTES", [2], ["[1]", "[2,3]"]),
        ("[1, 'a']", "output-0", "BYTES", [2], ["1", '"a"']),
        ("[{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'}]", "b", "BYTES", [2], ["x", "y"]),
        ("[{'a': [1]}, {'a': [2, 3]}]", "output-0", "BYTES", [2], ['{"a":[1]}', '{"a":[2,3]}']),
        ("{'a': np.ones((2, 1)), 'b': [None, 'x']}", "b", "BYTES", [2], [None, "x"]),
        ("{'a': np.ones((2, 1)), 'b': 'x'}", "a", "FP64", [2, 1], [1.0, 1.0]),
        ("pd.Series([1.5, 2.5], name='y')", "y", "FP64", [2], [1.5, 2.5]),
        ("pd.Series([1, None], dtype='Int64')", "output-0", "FP64", [2], [1, None]),
        ("pd.Series(['a', None], dtype='string')", "output-0", "BYTES", [2], ["a", None]),
        ("pd.DataFrame({('a', 1): [np.ones(2), np.zeros(2)]})", "a_1", "FP64", [2, 2], [1.0, 1.0, 0.0, 0.0]),
        ("pd.DataFrame([[1, 2]], columns=['a', 'a'])", "a-1", "INT64", [1], [2]),
        ("pd.to_datetime(['2024-01-01', None])", "output-0", "BYTES", [2], ["2024-01-01T00:00:00Z", None]),
        (
            "pd.Series(pd.to_datetime(['2024-01-01T00:00:00+02:00']))",
            "output-0",
            "BYTES",
            [1],
            ["2023-12-31T22:00:00Z"],
        ),
        ("pd.Series(pd.to_timedelta([1.5], unit='s'))", "output-0", "FP64", [1], [1.5]),
        ("pd.Series([True, None], dtype='boolean')", "output-0", "BYTES", [2], ["true", None]),
        ("np.array(['3000-01-01'], dtype='M8[s]')", "output-0", "BYTES", [1], ["3000-01-01T00:00:00Z"]),
        ("np.array([1.5], dtype=np.longdouble)", "output-0", "FP64", [1], [1.5]),
        ("[b'\\x00']", "output-0", "BYTES", [1], ["AA=="]),
        ("np.zeros((0, 3))", "output-0", "FP64", [0, 3], []),
    ],
)
def test_answers_of_every_kind_are_tensors(told, what, name, datatype, shape, data):
    output = answered(told, what)[name]
    assert (output["datatype"], output["shape"], output["data"]) == (datatype, shape, data)


def test_the_models_own_error_is_500_and_stays_in_the_log(told):
    reply = infer(told, rows(), parameters={"what": "raise"})
    assert (reply.status, list(reply.json)) == (500, ["error"])
    assert "secret" not in reply.text
    assert "KeyError: 'a secret'" in told.log


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"count": ("INT64", [1, 2.5])}, "input 'count', element 1: expected whole numbers from -9223372036854775808"),
        ({"count": ("INT64", [1, None])}, "got null"),
        (
            {"small": ("INT32", [1, 2**31])},
            "input 'small', element 1: expected whole numbers from -2147483648 to 2147483647",
        ),
        ({"small": ("INT64", [1, 2**31])}, "'small', row 1"),
        ({"count": ("UINT64", [2**63, 1])}, "'count', row 0"),
        ({"price": ("FP64", [1, "secret"])}, "input 'price', element 1: expected numbers (FP64), got a string"),
        ({"ratio": ("FP32", [1, 1e39])}, "input 'ratio', element 1: expected numbers from -3.40282e+38 to 3.40282e+38"),
        ({"flag": ("BOOL", [True, "secret"])}, "got a string"),
        ({"name": ("BYTES", ["a", 7])}, "input 'name', element 1: expected strings (BYTES), got a whole number"),
        ({"image": ("BYTES", ["?", ""])}, "'image', row 0"),
        ({"when": ("BYTES", ["a secret", "2024-01-01"])}, "'when', row 0"),
        ({"when": ("INT8", [1, 2])}, "'when', row 0"),
        ({"flag": ("BOOL", [True])}, "input 'small' has 2 rows, input 'flag' has 1"),
        ({"count": ("INT64", [1, 2], [3])}, "'data' has 2 elements, the shape [3] has 3"),
        ({"count": ("INT64", [[1], [2, 3]], [2, 1])}, "not nested as the shape [2, 1]"),
        ({"count": ("INT64", [1, 2, 3, 4], [2, 2])}, "a column has [n] or [n, 1]"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name_and_place(told, changes, words):
    reply = infer(told, rows(**changes))
    assert reply.status == 400, reply.text
    assert words in reply.json["error"]
    assert "secret" not in reply.text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b"[1]", "JSON object"),
        (b"{}", "'inputs'"),
        ({"inputs": []}, "'inputs'"),
        ({"inputs": [1]}, "'inputs'"),
        ({"inputs": [{}]}, "inputs[0] needs a 'name'"),
        ({"inputs": [{"name": "a"}]}, "input 'a' needs a 'shape'"),
        ({"inputs": [{"name": "a", "shape": [-1]}]}, "input 'a' needs a 'shape'"),
        ({"inputs": [{"name": "a", "shape": [1]}]}, "input 'a' needs a 'datatype', one of BOOL, UINT8"),
        ({"inputs": [{"name": "a", "shape": [1], "datatype": "BF16"}]}, "needs a 'datatype'"),
        ({"inputs": [{"name": "a", "shape": [1], "datatype": "INT8"}]}, "input 'a' needs 'data'"),
        ({"inputs": [tensor("a", "INT8", 5, [1])]}, "input 'a': 'data' has to be a list, got a whole number"),
        ({"inputs": [tensor("a", "INT8", [1]), tensor("a", "INT8", [1])]}, "input 'a' is there twice"),
        ({"inputs": [tensor("a", "INT8", [1])]}, "input 'a': the model has no such input; it has 'flag'"),
        ({"inputs": [tensor("flag", "BOOL", [True])]}, "missing columns 'small', 'count'"),
        ({"inputs": [tensor("a", "INT8", [1], parameters={"binary_data_size": 1})]}, "'binary_data_size'"),
        ({"inputs": [tensor("a", "INT8", [1], parameters=[1])]}, "input 'a': 'parameters'"),
        ({"inputs": [], "id": [1]}, "'id' has to be a string, got a list"),
        ({"inputs": [], "parameters": "x"}, "'parameters' has to be an object, got a string"),
        ({"inputs": rows(), "outputs": ["price"]}, "'outputs'"),
        ({"inputs": rows(), "outputs": {"name": "price"}}, "'outputs' has to be a list, got an object"),
        ({"inputs": rows(), "outputs": 5}, "'outputs' has to be a list, got a whole number"),
        ({"inputs": [tensor("a", "INT8", [], [2**62, 0])]}, "input 'a': the shape is too large"),
        ({"inputs": [tensor("a", "INT8", [], [0] * 33)]}, "input 'a': the shape is too large"),
        ({"inputs": rows(), "parameters": {"what": [5]}}, "'what'"),
    ],
)
def test_requests_that_are_not_the_protocols_are_400(told, body, words):
    reply = told.post("/v2/models/told/infer", body)
    assert (reply.status, list(reply.json)) == (400, ["error"]), reply.text
    assert words in reply.json["error"]


def test_binary_tensors_and_other_content_types_are_refused_clearly(told):
    reply = told.post("/v2/models/told/infer", {}, Inference_Header_Content_Length="2")
    assert reply.status == 400
    assert "binary_data=False" in reply.json["error"]
    assert told.post("/v2/models/told/infer", {}, Content_Type="text/csv").status == 415
    assert told.post("/v2/models/told/infer", {"inputs": rows()}, Content_Type="application/octet-stream").status == 200
