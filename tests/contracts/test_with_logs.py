"""What containers write while they start and answer, and what Azure ML's collector is given where it is switched on."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from asked import JSON, UUID, answers, discreet, refuses, score
from containers import STRICT, Container, free_port, running, same
from images import Build
from laid import ROOT, options, settings, write
from log_lines import awaited, captured, is_now, lines, objects
from questions import SECRET, Question, records

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]

SCRIPT = """
import logging
import sys


def init():
    print("in init")


def run(raw):
    print("printed", "words")
    print("to stderr", file=sys.stderr)
    logging.getLogger("mine").warning("logged")
    if "fail" in raw:
        raise ValueError("the fault")
    return [1, 2]
"""
LOGGING = {
    "version": 1,
    "formatters": {"own": {"format": "own form: %(levelname)s %(message)s"}},
    "handlers": {"own": {"class": "logging.StreamHandler", "formatter": "own"}},
    "loggers": {"azmlinfsrv": {"level": "INFO", "handlers": ["own"], "propagate": False}},
}
"""A configuration of logging that a person lays beside a script."""
# Nine hours ahead of UTC by its clock; lines tell the time in UTC all the same.
ELSEWHERE = {"TZ": "XXX-9"}


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def image(server: str, build: Build, fixture_models: Path) -> str:
    more = ("--inject",) if server == "azureml" else ()
    tag: str = build(fixture_models / "diabetes", f"contract-logs-{server}", "--server", server, *more)["tag"]
    return tag


@pytest.fixture(scope="module")
def question(fixture_models: Path) -> Question:
    return Question(fixture_models / "diabetes")


@pytest.fixture(scope="module")
def model(image: str, server: str) -> Iterator[Container]:
    """The model, where no folder is the one that AZUREML_MODEL_DIR names: then it is the image's own."""
    given = {"AZUREML_MODEL_DIR": "/nowhere", **ELSEWHERE}
    if server == "envbuild":
        # It collects nothing, so that it says so. For Azure ML's server collection is off here.
        given["AZUREML_MDC_ENABLED"] = "true"
    with running(image, options=(*STRICT, *settings(**given))) as container:
        yield container


@pytest.fixture(scope="module")
def root(server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    (folder / "score.py").write_text(SCRIPT)
    if server == "envbuild":
        write(folder, {"logging": LOGGING})
        (folder / "swagger3.json").write_text("{")
    return folder


@pytest.fixture(scope="module")
def script(image: str, root: Path) -> Iterator[Container]:
    with running(image, options=options(root, AZUREML_ENTRY_SCRIPT="score.py", **ELSEWHERE)) as container:
        yield container


@pytest.fixture(scope="module")
def collecting(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """Azure ML's server, whose collector writes into the log what it would send."""
    folder = tmp_path_factory.mktemp("root")
    collections = {name: {"enabled": True, "sampleRatePercentage": 100} for name in ("model_inputs", "model_outputs")}
    write(folder, {"collect": {"runMode": "local", "collections": collections}, "logging": LOGGING})
    given = options(
        folder,
        AZUREML_MDC_CONFIG_PATH=f"{ROOT}/collect.json",
        AZUREML_ENTRY_SCRIPT="/var/mlflow_resources/mlflow_score_script.py",
    )
    with running(image, options=given) as container:
        yield container


def ask(container: Container, question: Question) -> None:
    """A request that is answered, two that do not fit, one for a path that there is not, and probes."""
    answers(score(container, question.azure(), **{"x-request-id": "r-1"}), question.answer)
    refuses(score(container, {"input_data": [[SECRET]]}, **{"x-request-id": "r-2"}))
    refuses(discreet(container.exchange("GET", f"/score?input_data={SECRET}", None, {"x-request-id": "r-3"})))
    refuses(discreet(container.exchange("GET", f"/{SECRET}")), status=404)
    for _ in range(3):
        assert container.exchange("GET", "/").status == 200


def tell(container: Container) -> None:
    """A request that the script answers, and one that it fails at."""
    answers(container.exchange("POST", "/score", b"{}", {**JSON, "x-request-id": "r-1"}), [1, 2])
    failed = discreet(container.exchange("POST", "/score", b'"fail"', {**JSON, "x-request-id": "r-2"}))
    refuses(failed, "An unexpected error occurred in scoring script. Check the logs for more info.", status=500)


@pytest.mark.parametrize("server", ["envbuild"], indirect=True)
class TestOfEnvbuild:
    def test_a_request_has_one_line_of_json_without_its_data(self, model: Container, question: Question) -> None:
        ask(model, question)
        awaited(model, "envbuild_runtime.access", "r-3")
        found = objects(model)
        assert all({"time", "level", "logger", "message"} <= line.keys() and is_now(line["time"]) for line in found)
        access = [line for line in found if line["logger"] == "envbuild_runtime.access"]
        assert [(line["method"], line["route"], line["status"], line["request_id"]) for line in access] == [
            ("POST", "/score", 200, "r-1"),
            ("POST", "/score", 400, "r-2"),
            ("GET", "/score", 400, "r-3"),
        ]
        assert access[0]["rows"] == len(question.value["data"])
        assert re.fullmatch(rf"POST /score 200 \d+\.\d{{3}}ms {access[0]['bytes']}", access[0]["message"])
        assert SECRET not in model.logs()

    def test_it_says_where_it_listens_what_it_loaded_and_what_it_does_not_heed(self, model: Container) -> None:
        found = {line["message"]: line["level"] for line in objects(model)}
        assert found[f"listening on port {model.port}"] == "INFO"
        assert any(re.fullmatch(r"worker \d+ loaded in \d+\.\d\d s", message) for message in found)
        assert found["set, and not heeded by this server: AZUREML_MDC_ENABLED"] == "WARNING"

    def test_what_a_script_prints_and_logs_has_the_requests_name(self, script: Container) -> None:
        tell(script)
        awaited(script, "envbuild_runtime.access", "r-1")
        found = objects(script)
        of_one = [(line["logger"], line["message"]) for line in found if line.get("request_id") == "r-1"]
        assert of_one[:3] == [("print", "printed words"), ("stderr", "to stderr"), ("mine", "logged")]
        assert [logger for logger, _ in of_one[3:]] == ["envbuild_runtime.access"]
        assert "request_id" not in next(line for line in found if line["message"] == "in init")
        (failed,) = (line for line in found if "exception" in line)
        assert (failed["level"], failed["request_id"]) == ("ERROR", "r-2")
        assert failed["exception"].endswith("ValueError: the fault")

    def test_a_file_for_logging_is_not_read_and_one_that_describes_nothing_is_told(self, script: Container) -> None:
        document = script.exchange("GET", "/swagger.json?version=3").body
        assert document["openapi"] == "3.0.3"
        assert "own form" not in script.logs()
        (told,) = (line for line in objects(script) if "swagger3.json cannot be read" in line["message"])
        assert (told["level"], told["logger"]) == ("ERROR", "envbuild_runtime")

    def test_lines_for_people_have_azures_form_and_the_requests_name_behind(self, image: str, root: Path) -> None:
        given = options(root, AZUREML_ENTRY_SCRIPT="score.py", ENVBUILD_LOG_FORMAT="text", **ELSEWHERE)
        with running(image, options=given) as container:
            tell(container)
            awaited(container, "envbuild_runtime.access", "(r-1)")
            found, text = lines(container), container.logs()
        assert all(is_now(when) for when, *_ in found)
        said = [line[1:] for line in found if line[2] != "envbuild_runtime"]
        assert said[:2] == [("I", "print", "in init"), ("I", "print", "printed words (r-1)")]
        assert ("W", "mine", "logged (r-1)") in said
        (access,) = (what for _, who, what in said if who == "envbuild_runtime.access" and "(r-1)" in what)
        assert re.fullmatch(r"POST /score 200 \d+\.\d{3}ms 5 \(r-1\)", access)
        assert "\nValueError: the fault" in text


@pytest.mark.parametrize("server", ["azureml"], indirect=True)
class TestOfAzure:
    def test_it_begins_with_its_banner_settings_and_routes(self, model: Container) -> None:
        for words in (
            "\nAzure ML Inferencing HTTP server v1.5.1\n",
            "\nServer Settings\n---------------\nEntry Script Name: /var/mlflow_resources/mlflow_score_script.py\n",
            "\nModel Directory: /var/azureml-app/azureml-models/model/1\nConfig File: None\nWorker Count: 1\n",
            f"\nServer Port: {model.port}\nHealth Port: {model.port}\n",
            f"\nServer Routes\n---------------\nLiveness Probe: GET   127.0.0.1:{model.port}/\n",
            f"\nScore:          POST  127.0.0.1:{model.port}/score\n",
        ):
            assert words in model.logs()

    def test_a_request_has_one_line_of_its_server_without_its_data_and_probes_have_none(
        self, model: Container, question: Question
    ) -> None:
        ask(model, question)
        found = lines(model)
        assert all(is_now(when) for when, *_ in found)
        access = [what for _, level, who, what in found if who == "azmlinfsrv" and level == "I" and "ms " in what]
        began = ["POST /score 200", "POST /score 400", f"GET /score?input_data={SECRET} 400"]
        assert [re.sub(r" \d+\.\d{3}ms \d+$", "", line) for line in access] == began
        text = model.logs()
        assert '"GET / HTTP/1.1"' not in text
        # A query is in its lines, and in those of gunicorn beneath it; a body is in none.
        assert SECRET not in "".join(line for line in text.splitlines() if "GET /" not in line)

    def test_where_nothing_is_collected_nothing_is_said_of_it(self, model: Container, question: Question) -> None:
        """Azure ML's own script logs two errors a request."""
        answers(score(model, question.azure()), question.answer)
        assert not [line for line in lines(model) if line[1] in "EC"]
        assert "collect" not in model.logs()

    def test_what_a_script_prints_is_a_line_and_its_errors_are_in_the_log(self, script: Container) -> None:
        tell(script)
        found = [(level, who, what) for _, level, who, what in lines(script)]
        assert ("I", "azmlinfsrv.print", "in init") in found
        assert ("I", "azmlinfsrv.print", "printed words") in found
        # Only what print() writes to stdout is taken.
        assert {"to stderr", "WARNING:mine:logged"} <= set(script.logs().splitlines())
        assert "\nValueError: the fault" in script.logs()

    def test_a_file_for_logging_sets_the_form_of_lines(self, collecting: Container) -> None:
        ready = r"^own form: INFO Worker with pid \d+ ready for serving traffic$"
        assert re.search(ready, collecting.logs(), re.MULTILINE)

    def test_a_description_that_is_no_json_ends_the_container_with_3(self, image: str, tmp_path: Path) -> None:
        (tmp_path / "score.py").write_text(SCRIPT)
        (tmp_path / "swagger3.json").write_text("{")
        given = options(tmp_path, AZUREML_ENTRY_SCRIPT="score.py", PORT=free_port())
        command = ["docker", "run", "--rm", "--network", "host", *given, image]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 3
        assert "JSONDecodeError" in done.stdout + done.stderr

    def test_what_goes_in_and_out_is_collected_and_both_have_one_name(
        self, collecting: Container, question: Question
    ) -> None:
        for _ in range(2):
            answers(score(collecting, question.azure()), question.answer)
        refuses(score(collecting, {"input_data": [[SECRET]]}))
        found = captured(collecting, 4)
        assert [name for name, _, _ in found] == ["model_inputs", "model_outputs"] * 2
        for (_, went_in, taken), (_, came_out, given) in (found[:2], found[2:]):
            assert UUID.fullmatch(went_in)
            assert came_out == went_in
            assert same(taken, records(question.value))
            assert same(given, [{"0": value} for value in question.answer])
        assert found[0][1] != found[2][1]
        assert re.search(r"^own form: INFO POST /score 200 \d+\.\d{3}ms \d+$", collecting.logs(), re.MULTILINE)
        assert "own form: ERROR" not in collecting.logs()
