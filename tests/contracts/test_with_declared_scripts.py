"""Scoring scripts that an image is built with, and what their decorators ask for: both servers, one image each.

--code lays a folder of scripts into the image, and AZUREML_ENTRY_SCRIPT picks another of them for a container. The
model lists nothing of Azure ML's, so that what the scripts import is there because they import it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from asked import JSON, answers, refuses, score
from containers import STRICT, Container, free_port, running
from images import Build
from rawscript import IMPORTS, SCRIPT
from script_inputs import FAILED, Described, Members, Types
from script_requests import Requests, Streams

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]

SCRIPTS = Path(__file__).parent / "scripts"
MODEL = "params"
BOTH_PATHS = """
from {api}.aml_request import AMLRequest as Request, rawhttp as raw
from {api}.aml_response import AMLResponse as Response
from {contrib}.aml_request import AMLRequest, rawhttp
from {contrib}.aml_response import AMLResponse
assert (AMLRequest, AMLResponse, rawhttp) == (Request, Response, raw)
""".format(**IMPORTS)


@pytest.fixture(scope="module", params=["envbuild", "azureml"])
def server(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def built(server: str, build: Build, fixture_models: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    code = tmp_path_factory.mktemp("code")
    shutil.copytree(SCRIPTS, code, dirs_exist_ok=True)
    (code / "raw.py").write_text(BOTH_PATHS + SCRIPT.format(package=IMPORTS["contrib"]), encoding="utf-8")
    arguments = ["--server", server, "--scoring-script", str(code / "declared.py"), "--code", str(code)]
    more = ["--inject"] if server == "azureml" else []
    return build(fixture_models / MODEL, f"contract-declared-{server}", *arguments, *more)


def started(image: str, script: str, *options: str) -> AbstractContextManager[Container]:
    """A container of the image with another script of its folder."""
    return running(image, options=(*STRICT, "--env", f"AZUREML_ENTRY_SCRIPT={script}", *options))


@pytest.fixture(scope="module")
def declared(built: dict[str, Any]) -> Iterator[Container]:
    """With the script that the image was built for."""
    with running(built["tag"]) as container:
        yield container


@pytest.fixture(scope="module")
def driven(built: dict[str, Any]) -> Iterator[Container]:
    with started(built["tag"], "driver.py") as container:
        yield container


@pytest.fixture(scope="module")
def raw(built: dict[str, Any]) -> Iterator[Container]:
    with started(built["tag"], "raw.py") as container:
        yield container


@pytest.fixture(scope="module")
def sample(built: dict[str, Any]) -> Iterator[Container]:
    with started(built["tag"], "sample.py") as container:
        yield container


class TestMembers(Members):
    pass


class TestTypes(Types):
    pass


class TestDescribed(Described):
    pass


class TestRequests(Requests):
    pass


class TestStreams(Streams):
    pass


class TestImage:
    """What is in the image for the scripts' sake."""

    def test_what_the_scripts_import_is_locked_and_the_reason_is_told(self, built: dict[str, Any], server: str) -> None:
        told = {each["value"]: each["why"] for each in built["decisions"] if each["what"] == "package"}
        if server == "envbuild":
            for name in ("inference-schema", "werkzeug"):
                assert told[name].startswith("the scoring script asks for it"), name
        else:
            # Azure ML's server needs them itself.
            assert not {"inference-schema", "werkzeug"} & set(told)

    def test_nothing_else_of_azures_is_there(self, built: dict[str, Any], server: str) -> None:
        names = ["inference_schema", "werkzeug", "flask", "gunicorn", "azureml_inference_server_http"]
        text = f"import importlib.util as u; print([n for n in {names} if u.find_spec(n)])"
        command = ["docker", "run", "--rm", "--entrypoint", "/opt/envbuild/bin/python", built["tag"], "-c", text]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        assert done.stdout.strip() == str(names[:2] if server == "envbuild" else names)


class TestModel:
    """The steps that Azure ML's documentation has for a script with an MLflow model."""

    def test_it_finds_the_model_and_predicts(self, sample: Container) -> None:
        table = {"columns": ["x"], "data": [[1], [3]]}
        found = score(sample, {"input_data": table})
        assert isinstance(found.body, str)
        answers(found, json.dumps({"predictions": [1.0, 9.0]}))
        found = score(sample, {"input_data": table, "params": {"exponent": 3}}, **{"Content-Type": "text/plain"})
        assert json.loads(found.body) == {"predictions": [1.0, 27.0]}

    def test_its_refusal_is_told_by_the_log_alone(self, sample: Container) -> None:
        refuses(score(sample, {"other": "s3cr3t"}), FAILED, status=500)
        assert "there is no top level key input_data" in sample.logs()

    def test_it_is_asked_at_score_alone(self, sample: Container) -> None:
        found = sample.exchange("POST", "/invocations", {"inputs": [1]}, JSON)
        assert (found.status, "The requested URL was not found" in found.body["message"]) == (404, True)


def test_both_kinds_of_input_at_once_end_the_container_with_3(built: dict[str, Any]) -> None:
    command = ["docker", "run", "--rm", "--network", "host", "--env", f"PORT={free_port()}", *STRICT]
    command += ["--env", "AZUREML_ENTRY_SCRIPT=both.py", built["tag"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "run() cannot be decorated with both @rawhttp and @input_schema" in done.stdout + done.stderr
