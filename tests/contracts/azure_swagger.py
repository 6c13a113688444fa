"""/swagger.json in its three versions: valid, of the model's own types, with an example that is answered."""

from __future__ import annotations

from typing import Any

import pytest
from asked import JSON, answers, discreet, refuses, score
from containers import Container
from openapi_spec_validator import validate
from questions import Question

VERSIONS = {"": "2.0", "?version=2": "2.0", "?version=2.0": "2.0", "?version=3": "3.0.3", "?version=3.0": "3.0.3"}
VERSIONS["?version=3.1"] = "3.1.0"


def parts(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schemas of input and output, wherever the version has them."""
    schemas = document["definitions"] if "swagger" in document else document["components"]["schemas"]
    return schemas["ServiceInput"], schemas["ServiceOutput"]


class Swagger:
    """GET /swagger.json."""

    @pytest.mark.parametrize("query", VERSIONS)
    def test_each_version_describes_the_service(self, container: Container, query: str) -> None:
        found = container.exchange("GET", f"/swagger.json{query}")
        assert (found.status, found.headers["content-type"]) == (200, "application/json")
        document = found.body
        assert document.get("swagger", document.get("openapi")) == VERSIONS[query]
        validate(document)
        assert (document["info"]["title"], document["info"]["version"]) == ("the model's service", "7.1")
        assert {"/", "/score"} <= set(document["paths"])

    @pytest.mark.parametrize("version", ["9", "", "2.1", "v3"])
    def test_another_version_is_404(self, container: Container, version: str) -> None:
        found = container.exchange("GET", f"/swagger.json?version={version}")
        refuses(found, status=404)
        assert found.body["message"] == f"Swagger version [{version}] is not valid. Supported versions: [2, 3, 3.1]."

    @pytest.mark.parametrize("version", ["2", "3", "3.1"])
    def test_its_example_is_a_request_that_is_answered(
        self, container: Container, question: Question, version: str
    ) -> None:
        taken, _ = parts(container.exchange("GET", f"/swagger.json?version={version}").body)
        # No fixture model's example is longer than what a description shows of one.
        answers(score(container, {**taken["example"], **question.params}), question.answer)

    @pytest.mark.parametrize("version", ["2", "3", "3.1"])
    def test_the_input_is_described_by_its_form(self, container: Container, question: Question, version: str) -> None:
        taken, _ = parts(container.exchange("GET", f"/swagger.json?version={version}").body)
        described = taken["properties"]["input_data"]
        if question.columns:
            assert described["format"] == "pandas.DataFrame:split"
            assert set(described["properties"]) == {"columns", "index", "data"}
        for tensor in question.tensors:
            shown = described["properties"][tensor["name"]] if "name" in tensor else described
            assert (shown["type"], shown["format"]) == ("array", "numpy.ndarray")
        for param in question.part("params"):
            assert param["name"] in taken["properties"]["params"]["properties"]

    @pytest.mark.parametrize("version", ["2", "3", "3.1"])
    def test_the_format_says_how_clients_read_the_answer(
        self, container: Container, question: Question, version: str
    ) -> None:
        _, given = parts(container.exchange("GET", f"/swagger.json?version={version}").body)
        outputs = question.part("outputs")
        named = [part for part in outputs if part.get("name")]
        wanted = "pandas.DataFrame:records" if named else "numpy.ndarray" if outputs else None
        assert given.get("format") == wanted

    def test_other_methods_are_405(self, container: Container) -> None:
        found = discreet(container.exchange("POST", "/swagger.json", {}, JSON))
        refuses(found, "The method is not allowed for the requested URL.", status=405)
