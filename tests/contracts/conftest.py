"""A container of each fixture model with each server, one at a time, and what it is asked.

The classes in the modules beside this file are the contracts; test_with_azureml.py and test_with_envbuild.py say which
of them each server keeps. A file is one process of the run, so that the two servers are asked side by side.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers import STRICT, Container, running
from doubling import cache_folder
from images import Build, building
from questions import MODELS, Question

sys.path.insert(0, str(Path(__file__).parent))
MODULES = (
    "asked",
    "azure_score",
    "azure_swagger",
    "azure_values",
    "mlflow_invocations",
    "script_inputs",
    "script_requests",
)
pytest.register_assert_rewrite(*MODULES)

QUICK = "diabetes"
SETTINGS = {
    "AML_CORS_ORIGINS": "http://a.example, https://b.example",
    "SERVICE_NAME": "the model's service",
    "SERVICE_VERSION": "7.1",
}


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    with building(cache_folder(tmp_path_factory)) as build:
        yield build


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=() if name == QUICK else pytest.mark.slow) for name in MODELS],
)
def question(request: pytest.FixtureRequest, fixture_models: Path) -> Question:
    return Question(fixture_models / request.param)


@pytest.fixture(scope="module")
def container(request: pytest.FixtureRequest, question: Question, build: Build) -> Iterator[Container]:
    """The model's container, run as a strict cluster runs it; the file says with which server."""
    server: str = request.module.SERVER
    # Of the fixture models only one lists the packages of Azure ML's server.
    more = ("--inject",) if server == "azureml" else ()
    tag = build(question.folder, f"contract-{question.name}-{server}", "--server", server, *more)["tag"]
    settings = [part for name, value in SETTINGS.items() for part in ("--env", f"{name}={value}")]
    with running(tag, options=(*STRICT, *settings)) as container:
        yield container
