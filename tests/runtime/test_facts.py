"""What is told of a model: also where its MLmodel holds what nobody expects, and where another server is imitated."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from envbuild.runtime.front import openapi
from envbuild.runtime.front.context import Context
from envbuild.runtime.front.described import Described
from envbuild.runtime.front.facts import facts_of
from envbuild.runtime.settings import Settings

SIGNATURE = {"inputs": json.dumps([{"name": "x", "type": "double"}])}
ROUTES = frozenset({("POST", "/score"), ("POST", "/invocations"), ("POST", "/v2/models/{model}/infer")})


@pytest.fixture
def served(tmp_path, monkeypatch):
    """What a server knows of a model with this MLmodel."""

    def context(content, **settings):
        (tmp_path / "model").mkdir(exist_ok=True)
        (tmp_path / "model" / "MLmodel").write_text(json.dumps(content))
        monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path))
        return Context(SimpleNamespace(loaded=True, about={}), Settings(**settings), None)

    return context


@pytest.mark.parametrize(
    "odd",
    [
        {"flavors": {"python_function": None, "mine": None}},
        {"flavors": {"mine": "text"}},
        {"flavors": ["python_function"]},
        {"saved_input_example_info": True},
        {"saved_input_example_info": {"artifact_path": 5, "type": None}},
        {"metadata": None, "mlflow_version": None, "utc_time_created": 5},
    ],
    ids=str,
)
def test_what_is_odd_in_mlmodel_hides_nothing_else(odd, served):
    facts = facts_of(served({"signature": SIGNATURE, **odd}))
    assert [spec["name"] for spec in facts.inputs] == ["x"]
    assert facts.samples["score"]["input_data"]["columns"] == ["x"]


@pytest.mark.parametrize("signature", ["text", {"inputs": "{"}, {"inputs": "5"}, {"inputs": '[{"name": "x"}]'}, []])
def test_a_signature_that_cannot_be_read_leaves_the_page_and_the_document(signature, served):
    described = Described(served({"signature": signature}, model_name="mine"))
    assert json.loads(described.document(ROUTES, "host"))["info"]["title"] == "mine"
    assert b"mine" in described.page(ROUTES, "host")[0]


def test_a_refused_content_type_is_text_where_mlflows_server_is_imitated(served):
    def refusals(**settings):
        document = openapi.document(facts_of(served({"signature": SIGNATURE}, **settings)), ROUTES)
        return {path: list(item["post"]["responses"]["415"]["content"]) for path, item in document["paths"].items()}

    assert set(map(tuple, refusals().values())) == {("application/json",)}
    assert refusals(compat="azureml") == refusals()
    assert refusals(compat="mlflow") == {**refusals(), "/invocations": ["text/plain"]}


@pytest.mark.network
@pytest.mark.parametrize("compat", ["", "azureml", "mlflow"])
def test_errors_have_the_type_that_the_document_says(compat, start, model):
    server = start(ENVBUILD_COMPAT=compat, **model("params")).wait_until_up(path="/ping")
    paths = server.get("/openapi.json").json["paths"]
    for path in ("/score", "/invocations", "/v2/models/{model}/infer"):
        for body, more in (({}, {}), ({}, {"Content-Type": "text/xml"}), ({}, {"x-request-id": "x" * 101})):
            reply = server.request("POST", path.replace("{model}", "model"), body, more)
            told = paths[path]["post"]["responses"][str(reply.status)]["content"]
            assert [reply.headers["content-type"].split(";")[0]] == list(told)
