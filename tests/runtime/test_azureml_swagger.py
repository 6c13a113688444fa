"""/swagger.json: valid documents that the model's own example fits, from the signature or from a script."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from envbuild.runtime.codec.signature import read_mlmodel
from envbuild.runtime.front.schema import service_schemas

MODELS = Path(__file__).resolve().parents[2] / "fixtures" / "models"
NAMES = sorted(path.name for path in MODELS.iterdir() if path.is_dir())
OWN, AZURE = "envbuild_runtime", "envbuild_runtime.azureml"
VERSIONS = {"2": "2.0", "2.0": "2.0", "3": "3.0.3", "3.0": "3.0.3", "3.1": "3.1.0"}


def parts(document):
    """The schemas of input and output, wherever the version has them."""
    schemas = document["definitions"] if "swagger" in document else document["components"]["schemas"]
    return schemas["ServiceInput"], schemas["ServiceOutput"]


@pytest.mark.parametrize("name", NAMES)
def test_a_models_example_and_answer_fit_their_schemas(name):
    folder = MODELS / name
    taken, given = service_schemas(read_mlmodel(folder), folder, "3.1")
    for schema in (taken, given):
        Draft202012Validator.check_schema(schema)
    Draft202012Validator(taken).validate(taken["example"])
    Draft202012Validator(given).validate(json.loads((MODELS / f"{name}.expected.json").read_text(encoding="utf-8")))
    body = json.loads((folder / "serving_input_example.json").read_text(encoding="utf-8"))
    assert ("params" in taken["properties"]) is ("params" in body)


def columns(*types):
    return [{"name": f"c{number}", **spec} for number, spec in enumerate(types)]


def described(folder, inputs, outputs=(), params=(), version="3.1", **more):
    signature = {"inputs": json.dumps(inputs), "outputs": json.dumps(outputs), "params": json.dumps(params)}
    return service_schemas({"signature": signature, **more}, folder, version)


SCALARS = [{"type": kind} for kind in ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")]
NESTED = {
    "type": "object",
    "properties": {
        "tags": {"type": "array", "items": {"type": "string"}, "required": True},
        "more": {"type": "map", "values": {"type": "double"}, "required": False},
        "any": {"type": "any", "required": False},
    },
}


@pytest.mark.parametrize(
    "inputs",
    [
        columns(*SCALARS),
        columns(NESTED, {"type": "array", "items": {"type": "array", "items": {"type": "long"}}}),
        [{"type": "string"}],
        [NESTED],
        [{"type": "long"}, {"type": "string"}],
        [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2, -1]}}],
        [
            {"type": "tensor", "name": "a", "tensor-spec": {"dtype": "uint8", "shape": [-1, 3]}},
            {"type": "tensor", "name": "b", "tensor-spec": {"dtype": "str", "shape": [-1]}},
            {"type": "tensor", "name": "c", "tensor-spec": {"dtype": "bool", "shape": []}},
            {"type": "tensor", "name": "d", "tensor-spec": {"dtype": "datetime64[ns]", "shape": [2]}},
        ],
    ],
)
def test_a_request_is_made_up_where_the_model_has_no_example(inputs, tmp_path):
    params = [{"name": "n", "type": "long", "default": 3, "shape": None}]
    params += [{"name": "words", "type": "string", "default": ["a"], "shape": [-1]}]
    taken, given = described(tmp_path, inputs, inputs, params)
    Draft202012Validator.check_schema(taken)
    Draft202012Validator(taken).validate(taken["example"])
    assert taken["example"]["params"] == {"n": 3, "words": ["a"]}
    assert taken["properties"]["params"]["properties"]["words"]["items"]["type"] == ["string", "null"]
    wrong = {"input_data": "no"}
    assert not Draft202012Validator(taken).is_valid(wrong)
    assert not Draft202012Validator(given).is_valid("no")


def test_a_large_tensor_has_no_example(tmp_path):
    image = {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 224, 224, 3]}}
    assert "example" not in described(tmp_path, [image])[0]


@pytest.mark.parametrize(
    ("outputs", "form"),
    [
        ([{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}], "numpy.ndarray"),
        ([{"type": "long"}], "numpy.ndarray"),
        (columns({"type": "long"}, {"type": "string"}), "pandas.DataFrame:records"),
        ([], None),
    ],
)
@pytest.mark.parametrize("version", ["2", "3", "3.1"])
def test_the_format_says_how_a_client_reads_the_answer(outputs, form, version, tmp_path):
    assert described(tmp_path, columns({"type": "long"}), outputs, version=version)[1].get("format") == form


def test_the_folder_of_another_has_nothing_to_read(tmp_path):
    (tmp_path / "serving_input_example.json").write_text("{")
    taken, _ = described(tmp_path, columns({"type": "long"}), saved_input_example_info={"type": "dataframe"})
    assert taken["example"] == {"input_data": {"columns": ["c0"], "data": [[0]]}}


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", ["pyfunc-code", "named-tensors", "params", "no-signature"])
def test_every_version_is_a_valid_document(name, start, model):
    named = {"SERVICE_NAME": "my model", "SERVICE_VERSION": "7", "SERVICE_PATH_PREFIX": "/a/b/"}
    server = start(OWN, **named, **model(name)).wait_until_up()
    for asked, said in VERSIONS.items():
        reply = server.get(f"/swagger.json?version={asked}")
        assert reply.status == 200
        assert reply.headers["content-type"] == "application/json"
        document = reply.json
        assert document.get("swagger", document.get("openapi")) == said
        validate(document)
        assert (document["info"]["title"], document["info"]["version"]) == ("my model", "7")
        assert set(document["paths"]) == {"/a/b/", "/a/b/score", "/a/b/swagger.json"}
        example = parts(document)[0]["example"]
        assert server.post("/score", example).status == 200
    assert server.get("/swagger.json").json == server.get("/swagger.json?version=2").json


@pytest.mark.slow
@pytest.mark.network
def test_files_of_the_persons_own_come_first(start, model, tmp_path):
    (tmp_path / "swagger2.json").write_text('{"mine": 2}')
    (tmp_path / "swagger3.1.json").write_text('{"mine": 3.1}')
    (tmp_path / "swagger3.json").write_text("{")
    server = start(OWN, AML_APP_ROOT=str(tmp_path), **model("pyfunc-code")).wait_until_up()
    assert server.get("/swagger.json").json == {"mine": 2}
    assert server.get("/swagger.json?version=3.1").json == {"mine": 3.1}
    assert server.get("/swagger.json?version=3").json["openapi"] == "3.0.3"
    assert f"{tmp_path / 'swagger3.json'} cannot be read" in server.log
    (tmp_path / "swagger.json").write_text('{"mine": "first"}')
    again = start(OWN, AML_APP_ROOT=str(tmp_path), **model("pyfunc-code")).wait_until_up()
    assert again.get("/swagger.json?version=2.0").json == {"mine": "first"}


DECORATED = """
import numpy as np
import pandas as pd
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema
def init(): pass
@input_schema("table", PandasParameterType(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), orient="split"))
@input_schema("factor", StandardPythonParameterType({"n": 2.5, "when": [True]}), optional=True)
@output_schema(NumpyParameterType(np.array([[1.0]])))
def run(table, factor=None): return table["a"].tolist()
"""
MIXED = """
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema
def init(): pass
@input_schema("data", StandardPythonParameterType([1, "a", [2.5]]))
def run(data): return data
"""
PLAIN = "def init(): pass\ndef run(data): return data\n"


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize(
    ("text", "versions"), [(DECORATED, 2), (MIXED, 2), (PLAIN, 3)], ids=["decorated", "mixed", "plain"]
)
def test_a_script_is_described_as_by_azure_mls_server(text, versions, start, tmp_path):
    (tmp_path / "score.py").write_text(text)
    script = {"AML_APP_ROOT": str(tmp_path), "AZUREML_ENTRY_SCRIPT": "score.py", "AZUREML_MODEL_DIR": str(tmp_path)}
    own, other = (start(module, **script).wait_until_up() for module in (OWN, AZURE))
    answered = 0
    for asked in ("2", "3", "3.1", "9"):
        mine, theirs = (server.get(f"/swagger.json?version={asked}") for server in (own, other))
        assert mine.status == theirs.status
        if mine.status == 200:
            answered += 1
            assert parts(mine.json) == parts(theirs.json)
            if text != MIXED:
                validate(mine.json)
        else:
            assert mine.json == theirs.json
    assert answered == versions
