"""/openapi.json: valid, of the routes that there are, and typed as the signature says."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace

import jsonschema
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from envbuild.runtime.front import openapi
from envbuild.runtime.front.context import Context
from envbuild.runtime.front.described import Described
from envbuild.runtime.front.facts import Facts, model_facts, script_facts
from envbuild.runtime.front.openapi_types import column, element, tensor, typed
from envbuild.runtime.settings import Settings

ASKING = {"/score": "score", "/invocations": "invocations", "/v2/models/{model}/infer": "infer"}
ROUTES = frozenset(
    [("POST", path) for path in (*ASKING, "/v2/models/{model}/versions/{version}/infer")]
    + [
        ("GET", path)
        for path in (
            *("/", "/ping", "/health", "/version", "/score", "/swagger.json", "/metrics", "/docs", "/openapi.json"),
            *("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/{model}", "/v2/models/{model}/ready"),
        )
    ]
)
NAMES = ["diabetes", "forest", "lightgbm", "named-tensors", "no-signature", "params", "pyfunc-code", "tensors"]
SCALARS = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")
NESTED = (
    {"type": "array", "items": {"type": "long"}},
    {"type": "map", "values": {"type": "array", "items": {"type": "string"}}},
    {"type": "object", "properties": {"a": {"type": "double"}, "b": {"type": "string", "required": False}}},
    {"type": "any"},
)


def mlmodel(inputs=(), outputs=(), params=(), **more):
    parts = {"inputs": inputs, "outputs": outputs, "params": params}
    return {"signature": {name: json.dumps(list(part)) for name, part in parts.items() if part}, **more}


def told(fixture_models, name):
    folder = fixture_models / name
    return model_facts("model", yaml.safe_load((folder / "MLmodel").read_text()), folder)


def checked(facts, routes=ROUTES, server=""):
    """Return the document, which is valid, and a check of a body against the schema of a route."""
    document = json.loads(json.dumps(openapi.document(facts, routes, server), allow_nan=False))
    OpenAPIV31SpecValidator(document).validate()

    def fits(path, body):
        schema = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        whole = {"components": document["components"], **schema}
        return jsonschema.Draft202012Validator(whole).is_valid(body)

    return document, fits


@pytest.mark.parametrize("name", NAMES)
def test_every_example_fits_the_schema_of_its_route(name, fixture_models):
    facts = told(fixture_models, name)
    document, fits = checked(facts)
    assert set(facts.samples) == {"score", "invocations", "infer"}
    for path, kind in ASKING.items():
        assert fits(path, facts.samples[kind]), (path, facts.samples[kind])
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        assert content["examples"]["example"]["value"] == facts.samples[kind]
    assert set(document["paths"]) == {path for _, path in ROUTES}


@pytest.mark.parametrize("name", ["diabetes", "params", "named-tensors", "pyfunc-code"])
def test_what_does_not_fit_the_signature_does_not_fit_the_schema(name, fixture_models):
    facts = told(fixture_models, name)
    _, fits = checked(facts)
    for kind, path in zip(ASKING.values(), ASKING, strict=True):
        assert not fits(path, {})
        assert not fits(path, {**facts.samples[kind], **dict.fromkeys(facts.samples[kind], "text")})
    body = json.loads(json.dumps(facts.samples["invocations"]))
    if "dataframe_split" in body:
        body["dataframe_split"]["data"][0].pop()
        assert not fits("/invocations", body)
        assert not fits("/invocations", {**facts.samples["invocations"], "inputs": {}})


def test_the_four_forms_of_invocations_take_the_same_rows():
    specs = [{"name": "a", "type": "long"}, {"name": "b", "type": "string", "required": False}]
    _, fits = checked(Facts("m", inputs=specs))
    records = [{"a": 1, "b": "x"}, {"a": 2}]
    assert fits("/invocations", {"dataframe_split": {"columns": ["a", "b"], "data": [[1, None], [2, "y"]]}})
    assert fits("/invocations", {"dataframe_split": {"data": [[1, "x"]]}})
    assert fits("/invocations", {"dataframe_records": records})
    assert fits("/invocations", {"instances": records})
    assert fits("/invocations", {"inputs": {"a": [1, 2], "b": ["x", None]}})
    assert not fits("/invocations", {"dataframe_records": [{"b": "x"}]})
    assert not fits("/invocations", {"instances": [{"a": 2.5}]})
    assert not fits("/invocations", {"inputs": {"a": [None]}})
    assert not fits("/invocations", {"dataframe_split": {"columns": ["b", "c"], "data": [[1, "x"]]}})


@pytest.mark.parametrize(("kind", "required"), list(itertools.product(SCALARS, (True, False))))
def test_scalars_take_their_values_alone(kind, required):
    schema = column({"type": kind, "required": required})
    good = {"boolean": True, "integer": 2**31 - 1, "long": 2**63 - 1, "float": 1.5, "double": 1e300}
    bad = {"boolean": 1.5, "integer": 2**31, "long": 2**63, "float": 1e39, "double": "x"}
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(good.get(kind, "2024-01-01T00:00:00Z"))
    assert not validator.is_valid(bad.get(kind, 5))
    assert not validator.is_valid([])
    # Whole numbers and booleans have no missing value but in a column that may be absent.
    assert validator.is_valid(None) is (not required or kind not in ("boolean", "integer", "long"))


@pytest.mark.parametrize(
    ("spec", "good", "bad"),
    [
        (NESTED[0], [1, 2], [1.5]),
        (NESTED[1], {"k": ["v"]}, {"k": "v"}),
        (NESTED[2], {"a": 1.0}, {"b": "x"}),
        (NESTED[2], {"a": 1.0, "b": None}, {"a": "x"}),
    ],
)
def test_nested_types(spec, good, bad):
    validator = jsonschema.Draft202012Validator(typed(spec))
    assert validator.is_valid(good)
    assert not validator.is_valid(bad)


def test_tensors_have_their_shape_and_range():
    validator = jsonschema.Draft202012Validator(tensor({"dtype": "uint8", "shape": [-1, 2]}))
    assert validator.is_valid([])
    assert validator.is_valid([[0, 255], [1, 2]])
    for bad in ([[256, 0]], [[-1, 0]], [[1]], [1, 2], [[1, 2, 3]], [[0.5, 1]]):
        assert not validator.is_valid(bad)
    assert element("bool") == {"type": "boolean"}
    assert element("int64")["maximum"] == 2**63 - 1
    assert element("datetime64[ns]")["format"] == "date-time"


@pytest.mark.parametrize("spec", [*({"type": kind} for kind in SCALARS), *NESTED], ids=lambda spec: spec["type"])
def test_a_model_without_an_example_gets_one_that_fits(spec, tmp_path):
    facts = model_facts("m", mlmodel([{**spec, "name": "x", "required": True}]), tmp_path)
    _, fits = checked(facts)
    for path, kind in ASKING.items():
        assert fits(path, facts.samples[kind]), facts.samples[kind]


def test_tensors_without_an_example_get_one_unless_it_would_be_large(tmp_path):
    def made(shape):
        spec = {"name": "x", "type": "tensor", "tensor-spec": {"dtype": "float32", "shape": shape}}
        return model_facts("m", mlmodel([spec]), tmp_path)

    facts = made([-1, 3])
    assert facts.samples["infer"] == {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [0.0] * 3}]}
    assert checked(facts)[1]("/invocations", facts.samples["invocations"])
    assert made([-1, 1000, 1000, 3]).samples == {}
    checked(made([-1, 1000, 1000, 3]))


def test_a_script_has_only_its_own_routes_and_the_schemas_of_its_decorators():
    routes = frozenset({("POST", "/score"), ("GET", "/score"), ("GET", "/")})
    document, _ = checked(Facts("s", script=True), routes)
    assert set(document["paths"]) == {"/score", "/"}
    assert "default" in document["paths"]["/score"]["post"]["responses"]
    schema = {"type": "object", "properties": {"data": {"type": "array"}}, "example": {"data": [1]}}
    facts = script_facts("s", {"swagger": {"3.1": {"input": schema, "output": {"type": "number"}}}})
    document, fits = checked(facts, routes)
    assert facts.samples == {"score": {"data": [1]}}
    assert fits("/score", {"data": []})
    assert not fits("/score", {"data": 5})


def test_every_header_that_may_be_too_long_is_told():
    document, _ = checked(Facts("m"))
    refused = {"x-request-id", "x-ms-request-id", "x-ms-client-request-id"}
    for path in (*ASKING, "/", "/swagger.json"):
        for operation in document["paths"][path].values():
            headers = {each["name"]: each["schema"] for each in operation["parameters"] if each["in"] == "header"}
            assert set(headers) == refused
            assert {schema["maxLength"] for schema in headers.values()} == {100}
            assert "431" in operation["responses"]


def test_the_server_is_named_where_the_document_lies_on_another_port():
    assert checked(Facts("m"), ROUTES, "http://host:8080")[0]["servers"] == [{"url": "http://host:8080"}]
    assert "servers" not in checked(Facts("m"))[0]


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", NAMES)
def test_a_server_describes_the_routes_that_it_answers_and_answers_its_examples(name, start, model, fixture_models):
    server = start(**model(name)).wait_until_up(path="/ping")
    document = server.get("/openapi.json").json
    OpenAPIV31SpecValidator(document).validate()
    facts = told(fixture_models, name)
    assert set(ASKING) <= set(document["paths"])
    for path, kind in ASKING.items():
        reply = server.post(path.replace("{model}", "model"), facts.samples[kind])
        assert reply.status == 200, reply.text
        answers = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.Draft202012Validator({"components": document["components"], **answers}).validate(reply.json)
    for path, item in document["paths"].items():
        if "get" in item and "{" not in path and path != "/score":
            reply = server.get(path)
            assert str(reply.status) in item["get"]["responses"]
            assert reply.headers["content-type"].split(";")[0] in item["get"]["responses"]["200"]["content"]


@pytest.mark.slow
@pytest.mark.network
def test_a_server_describes_a_script(start, tmp_path):
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(body): return body\n")
    server = start(AML_APP_ROOT=str(tmp_path), AZUREML_ENTRY_SCRIPT="score.py").wait_until_up()
    document = server.get("/openapi.json").json
    OpenAPIV31SpecValidator(document).validate()
    assert "/score" in document["paths"]
    assert "/invocations" not in document["paths"]
    assert not [path for path in document["paths"] if path.startswith("/v2/models")]


def test_what_is_described_while_a_script_loads_is_described_anew_afterwards():
    pool = SimpleNamespace(loaded=False, about={})
    described = Described(Context(pool, Settings(docs=9091), None, script=True))
    routes = frozenset({("POST", "/score")})
    before = json.loads(described.document(routes, "host"))
    assert "ScoreRequest" not in before["components"]["schemas"]
    pool.loaded = True
    pool.about = {"swagger": {"3.1": {"input": {"type": "object", "example": {"a": 1}}, "output": {}}}}
    after = json.loads(described.document(routes, "host"))
    assert after["components"]["schemas"]["ScoreRequest"]["type"] == "object"
    assert after["servers"] == [{"url": "http://host:8080"}]
    assert b'{\\"a\\": 1}' in described.page(routes, "host")[0]
    # Made once for each address, and not without end for addresses that a client makes up.
    assert described.document(routes, "host") is described.document(routes, "host")
    for number in range(100):
        described.page(routes, f"host{number}")
    assert len(described._made) < 20
