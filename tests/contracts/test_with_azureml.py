"""Containers of all fixture models with --server azureml: Microsoft's own server, and envbuild's scoring script.

The script is what differs from Azure ML's no-code deployment: what does not fit the model is 400 with the reason.
"""

from __future__ import annotations

import pytest
from asked import JSON, NOT_FOUND, refuses
from azure_score import Identifiers, Liveness, Origins, Score
from azure_swagger import Swagger
from azure_values import Failures, Values
from containers import Container
from questions import Question

SERVER = "azureml"
pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]


class TestLiveness(Liveness):
    VERSION = "azmlinfsrv/1.5.1"


class TestScore(Score):
    def test_a_request_needs_a_content_type(self, container: Container, question: Question) -> None:
        found = container.exchange("POST", "/score", question.azure())
        refuses(found, "Expects Content-Type to be application/json", status=415)


class TestIdentifiers(Identifiers):
    pass


class TestOrigins(Origins):
    pass


class TestSwagger(Swagger):
    pass


class TestValues(Values):
    pass


class TestFailures(Failures):
    FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."


class TestMlflow:
    """This server speaks Azure ML's protocol alone."""

    @pytest.mark.parametrize("path", ["/ping", "/health", "/version", "/v2", "/v2/health/live", "/metrics", "/docs"])
    def test_the_others_routes_are_not_there(self, container: Container, path: str) -> None:
        found = container.exchange("GET", path)
        refuses(found, status=404)
        assert found.body["message"] == NOT_FOUND

    def test_invocations_are_not_there(self, container: Container, question: Question) -> None:
        for method in ("POST", "GET"):
            refuses(container.exchange(method, "/invocations", question.example, JSON), NOT_FOUND, status=404)
