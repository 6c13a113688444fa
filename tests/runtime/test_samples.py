"""Examples of odd models: each fits what the documents say of it, and the server answers it."""

from __future__ import annotations

import json

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from envbuild.runtime.front import openapi
from envbuild.runtime.front.facts import model_facts
from envbuild.runtime.front.samples import samples
from envbuild.runtime.front.schema import service_schemas

KINDS = {"/score": "score", "/invocations": "invocations", "/v2/models/{model}/infer": "infer"}
ROUTES = frozenset(("POST", path) for path in KINDS)
DAY = "2024-01-01T00:00:00"


def tensor(dtype, shape, name=None):
    return {"type": "tensor", **({"name": name} if name else {}), "tensor-spec": {"dtype": dtype, "shape": shape}}


def column(kind, name=None, **more):
    return {"type": kind, **({"name": name} if name else {}), "required": True, **more}


MESSAGE = {"type": "object", "properties": {"role": {"type": "string"}, "content": {"type": "string"}}}
CHAT = [column("array", "messages", items=MESSAGE), column("double", "temperature", required=False)]
SAID = [{"role": "user", "content": str(number)} for number in range(7)]
PARAMS = [
    {"name": "when", "type": "datetime", "default": DAY, "shape": None},
    {"name": "limits", "type": "double", "default": [1.0, 2.0], "shape": [-1]},
]
ROW = "len(data) == 1 and "
# Inputs, params, the example as MLflow keeps it for serving, and what has to hold in predict().
MODELS = {
    "fixed": ([tensor("float64", [8, 2])], (), {"inputs": [[1.0, 2.0]] * 8}, "data.shape == (8, 2)"),
    "fixed-named": (
        [tensor("int64", [8], "a"), tensor("int64", [-1], "b")],
        (),
        {"inputs": {"a": [1] * 8, "b": [2] * 8}},
        "len(data['a']) == 8 and len(data['b']) == 5",
    ),
    "zero-dimensional": (
        [tensor("float64", [], "s"), tensor("str", [-1], "t"), tensor("datetime64[ns]", [2], "d")],
        (),
        None,
        "data['s'].shape == () and data['d'].dtype.kind == 'M'",
    ),
    "chat": (CHAT, (), {"messages": SAID}, "len(ROW['messages']) == 7"),
    "chat-without-signature": ((), (), {"messages": SAID}, "len(data['messages']) == 7"),
    "embedding": (
        [column("array", "input", items={"type": "string"})],
        (),
        {"input": ["a", "b"]},
        "list(ROW['input']) == ['a', 'b']",
    ),
    "array-column": (
        [column("array", "v", items={"type": "double"}), column("long", "n")],
        (),
        {"inputs": {"v": [1.0, 2.0, 3.0], "n": 2}},
        "list(ROW['v']) == [1.0, 2.0, 3.0] and ROW['n'] == 2",
    ),
    "array-columns-of-rows": (
        [column("array", "v", items={"type": "double"})],
        (),
        {"inputs": {"v": [[1.0, 2.0], [3.0]]}},
        "list(map(len, data['v'])) == [2, 1]",
    ),
    "without-names": (
        [column("double"), column("double")],
        (),
        {"inputs": [[1.0, 2.0], [3.0, 4.0]]},
        "data.shape == (2, 2)",
    ),
    "records": (
        [column("long", "a"), column("string", "b", required=False)],
        (),
        {"dataframe_records": [{"a": 1}, {"a": 2, "b": "x"}]},
        "list(data['a']) == [1, 2]",
    ),
    "columns": ([column("long", "a")], (), {"inputs": {"a": [1, 2]}}, "list(data['a']) == [1, 2]"),
    "one-row": ([column("long", "a")], (), {"inputs": {"a": 1}}, "list(data['a']) == [1]"),
    "typed": (
        [column("object", properties={"a": {"type": "long"}, "b": {"type": "string", "required": False}})],
        (),
        {"inputs": [{"a": 1}]},
        "data == [{'a': 1}]",
    ),
    "params": (
        [column("datetime", "at")],
        PARAMS,
        None,
        "params['when'].year == 2024",
    ),
}
NOT_TENSORS = ("chat-without-signature", "without-names", "array-columns-of-rows")
"""Models whose example has no form in tensors."""
LOADER = """
class Model:
    def predict(self, data, params=None):
        ROW = data.to_dict("records")[0] if hasattr(data, "to_dict") else data
        assert CHECK, repr(data)
        return [1.0]
def _load_pyfunc(path):
    return Model()
"""


def lay(folder, name):
    """Write a model's folder and return the content of its MLmodel."""
    inputs, params, example, check = MODELS[name]
    module = name.replace("-", "_") + "_loader"
    (folder / "code").mkdir(parents=True)
    (folder / "code" / f"{module}.py").write_text(LOADER.replace("CHECK", check))
    parts = {"inputs": inputs, "params": params}
    content = {
        "flavors": {"python_function": {"loader_module": module, "code": "code"}},
        "is_signature_from_type_hint": name == "typed",
    }
    if inputs:
        content["signature"] = {part: json.dumps(list(specs)) for part, specs in parts.items() if specs}
    if example is not None:
        (folder / "serving_input_example.json").write_text(json.dumps(example))
    (folder / "MLmodel").write_text(json.dumps(content))
    return content


@pytest.mark.parametrize("name", MODELS)
def test_the_example_of_an_odd_model_fits_what_is_said_of_it(name, tmp_path):
    content = lay(tmp_path, name)
    facts = model_facts("m", content, tmp_path)
    document = json.loads(json.dumps(openapi.document(facts, ROUTES)))
    OpenAPIV31SpecValidator(document).validate()
    assert set(facts.samples) == {"score", "invocations", *(() if name in NOT_TENSORS else ("infer",))}
    for path, kind in KINDS.items():
        schema = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        if kind in facts.samples:
            whole = {"components": document["components"], **schema}
            jsonschema.Draft202012Validator(whole).validate(facts.samples[kind])
    taken, _ = service_schemas(content, tmp_path, "3.1")
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(taken, format_checker=checker).validate(taken["example"])


def mlmodel(inputs):
    return {"signature": {"inputs": json.dumps(inputs)}}


def test_not_a_number_in_an_example_is_null(tmp_path):
    text = '{"dataframe_split": {"columns": ["x"], "data": [[NaN], [Infinity], [1.0]]}}'
    (tmp_path / "serving_input_example.json").write_text(text)
    found = samples(mlmodel([{"name": "x", "type": "double"}]), tmp_path)
    assert found["score"]["input_data"]["data"] == [[None], [None], [1.0]]
    assert found["infer"]["inputs"][0]["data"] == [None, None, 1.0]


def test_an_example_for_a_language_model_is_the_body_itself(tmp_path):
    (tmp_path / "input_example.json").write_text('{"messages": [{"role": "user", "content": "hi"}]}')
    found = samples({}, tmp_path)
    assert found["invocations"] == {"messages": [{"role": "user", "content": "hi"}]}


def test_an_example_that_is_damaged_or_huge_is_none(tmp_path):
    spec = {"name": "x", "type": "double"}
    for text in ("{", "5", "[" * 10000, '{"dataframe_split": {"columns": ["x"], "data": [["%s"]]}}' % ("y" * 300_000)):
        (tmp_path / "serving_input_example.json").write_text(text)
        for kind, body in samples(mlmodel([spec]), tmp_path).items():
            assert len(json.dumps(body)) < 200_000, kind


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", MODELS)
def test_the_example_of_an_odd_model_is_answered(name, start, tmp_path):
    lay(tmp_path / "model", name)
    server = start(AZUREML_MODEL_DIR=str(tmp_path)).wait_until_up(path="/ping")
    document = server.get("/openapi.json").json
    for path, kind in KINDS.items():
        described = document["paths"][path]["post"]
        examples = described["requestBody"]["content"]["application/json"].get("examples")
        if examples is None:
            assert (kind, name in NOT_TENSORS) == ("infer", True)
            continue
        reply = server.post(path.replace("{model}", "model"), examples["example"]["value"])
        assert reply.status == 200, (reply.text, examples, server.log)
        schema = described["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.Draft202012Validator({"components": document["components"], **schema}).validate(reply.json)
    for version in ("2", "3", "3.1"):
        document = server.get(f"/swagger.json?version={version}").json
        validate(document)
        schemas = document["definitions"] if version == "2" else document["components"]["schemas"]
        assert server.post("/score", schemas["ServiceInput"]["example"]).status == 200
