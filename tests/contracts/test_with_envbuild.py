"""Containers of all fixture models with --server envbuild: Azure ML's protocol and MLflow's from the same container."""

from __future__ import annotations

import pytest
from asked import answers
from azure_score import Identifiers, Liveness, Origins, Score
from azure_swagger import Swagger
from azure_values import Failures, Values
from containers import Container
from mlflow_invocations import Invocations, Probes, Refusals
from questions import Question

SERVER = "envbuild"
pytestmark = [pytest.mark.engine, pytest.mark.network]


class TestLiveness(Liveness):
    VERSION = "envbuild/"


class TestScore(Score):
    def test_a_request_needs_no_content_type(self, container: Container, question: Question) -> None:
        answers(container.exchange("POST", "/score", question.azure()), question.answer)


class TestIdentifiers(Identifiers):
    pass


class TestOrigins(Origins):
    pass


class TestSwagger(Swagger):
    pass


class TestValues(Values):
    pass


class TestFailures(Failures):
    FAILED = "The model raised an error. Check the logs for more info."


class TestProbes(Probes):
    pass


class TestInvocations(Invocations):
    pass


class TestRefusals(Refusals):
    pass
