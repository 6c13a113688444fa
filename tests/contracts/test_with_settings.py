"""What is set from outside a container: variables, arguments, files in AML_APP_ROOT, and values that cannot be meant.

Microsoft's server takes all three; envbuild's takes variables and the swagger files, and says what it does not heed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from asked import answers, refuses, score
from containers import STRICT, Answer, Container, free_port, running
from images import Build
from laid import ROOT, options, settings, write
from questions import Question

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]

# Of a list of several types Swagger 2.0 knows nothing, so that a description of it is a file or none.
SCRIPT = """
import os
import time

from helper import NAME
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema


def init():
    pass


@input_schema("asked", StandardPythonParameterType([1, "a", [2.5]]), convert_to_provided_type=False)
def run(asked):
    time.sleep(asked.get("sleep", 0))
    return {"process": os.getpid(), "folder": os.getcwd(), "helper": NAME, "model": os.environ["AZUREML_MODEL_DIR"]}
"""


@pytest.fixture(scope="module", params=["envbuild", "azureml"])
def server(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def image(server: str, build: Build, fixture_models: Path) -> str:
    more = ("--inject",) if server == "azureml" else ("--requirement", "inference-schema")
    tag: str = build(fixture_models / "diabetes", f"contract-settings-{server}", "--server", server, *more)["tag"]
    return tag


@pytest.fixture(scope="module")
def question(fixture_models: Path) -> Question:
    return Question(fixture_models / "diabetes")


@pytest.fixture(scope="module")
def other_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def moved(
    image: str, server: str, question: Question, tmp_path_factory: pytest.TempPathFactory, other_port: int
) -> Iterator[Container]:
    """The model from a folder of another name, and a root with descriptions and configurations of a person's own."""
    folder = tmp_path_factory.mktemp("root")
    write(folder, {"swagger": {"mine": "first"}, "swagger2": {"mine": "second"}, "swagger3": {"mine": 3}})
    named = {"SERVICE_NAME": "of a file that is named", "SERVICE_VERSION": "0"}
    write(folder, {"config": {"SERVICE_NAME": "of a file that is not"}, "named": named})
    given = options(
        folder,
        AZUREML_MODEL_DIR="/var/elsewhere/1",
        MLFLOW_MODEL_FOLDER="named",
        AZUREML_CONFIG_FILE=f"{ROOT}/named.json",
        SERVICE_VERSION="7.1",
        SERVICE_PATH_PREFIX="/a/b/",
        SERVER_VERSION_LOG_RESPONSE_ENABLED="no",
        AZUREML_LOG_LEVEL="ERROR",
        SEPERATE_HEALTH_ENDPOINT="true",
        HEALTH_PORT="1",
        AML_CORS_ORIGINS="https://variable.example",
        **({"AZUREML_ENTRY_SCRIPT": "/var/mlflow_resources/mlflow_score_script.py"} if server == "azureml" else {}),
    )
    arguments = ("--health_port", str(other_port), "--access_control_allow_origins", "https://argument.example")
    volume = ("--volume", f"{question.folder}:/var/elsewhere/1/named:ro")
    with running(image, options=(*given, *volume), arguments=arguments if server == "azureml" else ()) as container:
        yield container


@pytest.fixture(scope="module")
def scripted(image: str, server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A script that imports from a folder of its own, two workers, four seconds for an answer."""
    folder = tmp_path_factory.mktemp("root")
    (folder / "score.py").write_text(SCRIPT)
    (folder / "lib").mkdir()
    (folder / "lib" / "helper.py").write_text("NAME = 'a module of the script'\n")
    write(folder, {"swagger3.1": {"mine": 3.1}, "config": {"SERVICE_NAME": "of config.json"}})
    given = options(
        folder,
        AZUREML_ENTRY_SCRIPT="score.py",
        AZUREML_SOURCE_DIRECTORY="lib",
        # Where the server takes arguments, they come before variables.
        WORKER_COUNT="2" if server == "envbuild" else "1",
        WORKER_TIMEOUT="4",
        # Else gunicorn counts the loading of a worker, which takes as long on a busy machine.
        WORKER_PRELOAD="true",
        AML_APP_INSIGHTS_ENABLED="true",
        AML_APP_INSIGHTS_KEY="no key at all",
    )
    arguments = ("--worker_count", "2") if server == "azureml" else ("serve",)
    with running(image, options=given, arguments=arguments) as container:
        yield container


def described(container: Container, version: str) -> Answer:
    return container.exchange("GET", f"/swagger.json?version={version}")


def ask(container: Container, **asked: Any) -> Answer:
    return score(container, {"asked": asked})


class TestModel:
    def test_it_is_taken_from_the_folder_that_the_variables_name(self, moved: Container, question: Question) -> None:
        found = score(moved, question.azure())
        answers(found, question.answer)
        # SERVER_VERSION_LOG_RESPONSE_ENABLED is not `true`.
        assert "x-ms-server-version" not in found.headers

    def test_arguments_come_before_variables_where_the_server_takes_any(self, moved: Container, server: str) -> None:
        allowed = "argument" if server == "azureml" else "variable"
        for name in ("argument", "variable"):
            found = moved.exchange("GET", "/", None, {"Origin": f"https://{name}.example"})
            assert ("access-control-allow-origin" in found.headers) is (name == allowed)

    def test_health_has_a_port_of_its_own_or_the_log_says_that_it_has_none(
        self, moved: Container, server: str, other_port: int
    ) -> None:
        if server == "azureml":
            found = Container(moved.name, other_port).exchange("GET", "/")
            assert (found.status, found.body) == (200, "Healthy")
        else:
            ignored = "AZUREML_CONFIG_FILE, AZUREML_LOG_LEVEL, SEPERATE_HEALTH_ENDPOINT"
            assert f"set, and not heeded by this server: {ignored}" in moved.logs()


class TestSwaggerFiles:
    @pytest.mark.parametrize(("version", "mine"), [("2", "first"), ("2.0", "first"), ("3", 3), ("3.0", 3)])
    def test_a_persons_own_come_first(self, moved: Container, version: str, mine: object) -> None:
        found = described(moved, version)
        assert (found.status, found.headers["content-type"]) == (200, "application/json")
        assert found.body == {"mine": mine}
        assert moved.exchange("GET", "/swagger.json").body == {"mine": "first"}

    def test_what_has_no_file_is_made_with_the_services_name_and_prefix(self, moved: Container, server: str) -> None:
        document = described(moved, "3.1").body
        assert document["openapi"] == "3.1.0"
        # A variable comes before a file; envbuild's server reads no configuration file.
        title = "of a file that is named" if server == "azureml" else "ML service"
        assert (document["info"]["title"], document["info"]["version"]) == (title, "7.1")
        assert {"/a/b/", "/a/b/score"} <= set(document["paths"])
        assert "input_data" in document["components"]["schemas"]["ServiceInput"]["properties"]

    def test_a_prefix_is_no_part_of_the_routes(self, moved: Container, question: Question) -> None:
        refuses(moved.exchange("POST", "/a/b/score", question.azure()), status=404)

    def test_an_own_file_is_one_of_the_versions_there_are(self, scripted: Container, server: str) -> None:
        assert described(scripted, "3.1").body == {"mine": 3.1}
        assert described(scripted, "3").body["info"]["title"] == (
            "of config.json" if server == "azureml" else "ML service"
        )
        found = described(scripted, "9")
        refuses(found, "Swagger version [9] is not valid. Supported versions: [3, 3.1].", status=404)

    @pytest.mark.parametrize("version", ["2", "2.0"])
    def test_a_version_that_the_script_does_not_fit_is_404(self, scripted: Container, version: str) -> None:
        found = described(scripted, version)
        words = f"Swagger version [{version}] is not supported for the scoring script. "
        refuses(found, f"{words}Supported swagger versions: [3, 3.1].", status=404)


class TestScript:
    def test_it_runs_in_its_root_beside_its_own_modules_and_knows_the_models_folder(self, scripted: Container) -> None:
        found = ask(scripted).body
        assert found["folder"] == ROOT
        assert found["helper"] == "a module of the script"
        assert found["model"] == "/var/azureml-app/azureml-models/model/1"

    def test_as_many_processes_answer_as_are_asked_for(self, scripted: Container) -> None:
        end = monotonic() + 60
        # The server says that it is up when the first of them is.
        while monotonic() < end:
            with ThreadPoolExecutor(3) as pool:
                found = list(pool.map(lambda _: ask(scripted, sleep=0.5).body["process"], range(3)))
            if len(set(found)) == 2:
                return
        raise AssertionError(found)

    def test_one_that_takes_longer_than_the_workers_timeout_is_ended(self, scripted: Container, server: str) -> None:
        found = ask(scripted, sleep=30)
        if server == "azureml":
            # gunicorn ends the worker, and answers with its own page.
            assert (found.status, found.headers["content-type"]) == (500, "text/html")
        else:
            refuses(found, "Scoring timeout after 4000 ms", status=500)
        assert ask(scripted).status == 200

    def test_a_key_that_is_none_switches_insights_off(self, scripted: Container, server: str) -> None:
        own = "set, and not heeded by this server: AML_APP_INSIGHTS_ENABLED, WORKER_PRELOAD"
        assert (own if server == "envbuild" else "Application Insights has been disabled.") in scripted.logs()


BOTH = [
    ({"PORT": "x"}, (), 3, "PORT is 'x': a whole number from 1 to 65535 is needed."),
    ({"WORKER_COUNT": "0"}, (), 3, "WORKER_COUNT is '0': a whole number from 1 to 1024 is needed."),
    ({"WORKER_TIMEOUT": "soon"}, (), 3, "WORKER_TIMEOUT is 'soon': a whole number from"),
]
OWN = [
    ({"SCORING_TIMEOUT_MS": "soon"}, (), 3, "SCORING_TIMEOUT_MS is 'soon': a whole number from"),
    ({"AZUREML_ENTRY_SCRIPT": "none.py"}, (), 3, "none.py does not exist. Check AML_APP_ROOT"),
    ({}, ("--worker_count", "2"), 2, "usage: python -m envbuild_runtime [serve]"),
]
AZURE = [
    ({"SCORING_TIMEOUT_MS": "soon"}, (), 3, "=Configuration Error=================\nSCORING_TIMEOUT_MS: Input should"),
    ({"AZUREML_CONFIG_FILE": "/etc/passwd"}, (), 3, "Invalid config file!"),
    ({"AZUREML_DEBUG_PORT": "5678"}, (), 3, "AZUREML_DEBUG_PORT is set, and debugpy is not in the image"),
    ({"AML_APP_ROOT": "/nowhere"}, (), 3, "AML_APP_ROOT /nowhere cannot be entered"),
    ({}, ("--worker_count", "0"), 1, "argument --worker_count: invalid"),
    ({}, ("--nope",), 1, "unrecognized arguments: --nope"),
]
FAULTS = [("envbuild", *fault) for fault in (*BOTH, *OWN)] + [("azureml", *fault) for fault in (*BOTH, *AZURE)]


@pytest.mark.parametrize(("server", "variables", "arguments", "code", "words"), FAULTS, indirect=["server"])
def test_what_cannot_be_meant_ends_the_container_in_words(
    image: str, variables: dict[str, str], arguments: tuple[str, ...], code: int, words: str
) -> None:
    given = settings(**{"PORT": free_port(), **variables})
    command = ["docker", "run", "--rm", "--network", "host", *STRICT, *given, image, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    said = done.stdout + done.stderr
    assert (done.returncode, words in said) == (code, True), said
    # What is wrong in a file Microsoft's server shows so itself.
    assert words == "Invalid config file!" or "Traceback" not in said, said
