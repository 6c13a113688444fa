"""Scoring scripts of a person's own, laid into containers of both servers: what run() is given, and what may go wrong.

The script lies in a mounted folder that AML_APP_ROOT names, as Azure ML lays scripts into containers.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from asked import JSON, refuses
from azure_score import ENDS, TOOK
from containers import STRICT, Container, free_port, running
from images import Build

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]

SCRIPT = """
import json
import time
from azureml.contrib.services.aml_response import AMLResponse as Older
from azureml_inference_server_http.api.aml_response import AMLResponse


def init():
    global loaded
    loaded = True


def run(raw, request_headers):
    asked = raw.strip()
    if asked == "nothing":
        return None
    if asked == "raise":
        raise ValueError("s3cr3t")
    if asked == "sleep":
        time.sleep(20)
    if asked == "teapot":
        return Older("short", 418, {"x-mine": "a"}, json_str=False)
    if asked == "unavailable":
        return AMLResponse({"why": "later"}, 503, json_str=True)
    return {"loaded": loaded, "type": type(raw).__name__, "raw": raw, "mine": request_headers.get("X-Mine")}
"""
BROKEN = {
    "no run": ("def init(): pass\n", "does not have a run() function defined"),
    "no init": ("def run(data): pass\n", "does not have a init() function defined"),
    "an error in init": (
        "def init():\n    raise RuntimeError('the weights are gone')\ndef run(data): pass\n",
        "RuntimeError: the weights are gone",
    ),
    "positional only": (
        "def init(): pass\ndef run(data, /): pass\n",
        "run() cannot accept positional-only arguments, *args, or **kwargs.",
    ),
}
Laid = Callable[[str], tuple[str, ...]]


@pytest.fixture(scope="module", params=["envbuild", "azureml"])
def image(request: pytest.FixtureRequest, build: Build, fixture_models: Path) -> str:
    tag: str = build(fixture_models / "diabetes", f"contract-scripts-{request.param}", "--server", request.param)["tag"]
    return tag


@pytest.fixture(scope="module")
def lay(tmp_path_factory: pytest.TempPathFactory) -> Laid:
    """Write a script; return the engine's options that lay it into a container."""

    def write(text: str) -> tuple[str, ...]:
        folder = tmp_path_factory.mktemp("script")
        (folder / "score.py").write_text(text)
        # The container's user is nobody here.
        folder.chmod(0o755)
        variables = ("--env", "AML_APP_ROOT=/var/azureml-app/script", "--env", "AZUREML_ENTRY_SCRIPT=score.py")
        return ("--volume", f"{folder}:/var/azureml-app/script:ro", *variables)

    return write


@pytest.fixture(scope="module")
def scripted(image: str, lay: Laid) -> Iterator[Container]:
    with running(image, options=(*STRICT, *lay(SCRIPT), "--env", "SCORING_TIMEOUT_MS=1500")) as container:
        yield container


@pytest.mark.parametrize("media", ["application/json", "text/csv"])
def test_run_is_given_the_body_as_text_of_any_type_and_the_headers(scripted: Container, media: str) -> None:
    found = scripted.exchange("POST", "/score", b'{"a": 1}', {"Content-Type": media, "x-mine": "b"})
    assert (found.status, found.headers["content-type"]) == (200, "application/json")
    assert found.body == {"loaded": True, "type": "str", "raw": '{"a": 1}', "mine": "b"}
    assert found.headers[ENDS] == "False"
    assert float(found.headers[TOOK]) >= 0


def test_a_body_that_is_no_text_is_400(scripted: Container) -> None:
    refuses(scripted.exchange("POST", "/score", b"\xff", JSON), "Input cannot be decoded as UTF-8")


def test_nothing_is_an_empty_object(scripted: Container) -> None:
    found = scripted.exchange("POST", "/score", b"nothing", JSON)
    assert (found.status, found.body) == (200, {})


def test_a_response_of_its_own_is_passed_on(scripted: Container) -> None:
    found = scripted.exchange("POST", "/score", b"teapot", JSON)
    assert (found.status, found.body, found.headers["x-mine"]) == (418, "short", "a")
    assert found.headers[ENDS] == "False"


def test_one_of_500_and_more_is_a_failure(scripted: Container) -> None:
    found = scripted.exchange("POST", "/score", b"unavailable", JSON)
    assert (found.status, found.body, found.headers[ENDS]) == (503, {"why": "later"}, "True")


def test_an_error_is_500_without_its_words(scripted: Container) -> None:
    found = scripted.exchange("POST", "/score", b"raise", JSON)
    refuses(found, "An unexpected error occurred in scoring script. Check the logs for more info.", status=500)
    assert found.headers[ENDS] == "True"
    assert "ValueError: s3cr3t" in scripted.logs()


def test_one_that_takes_too_long_is_500_and_the_next_is_answered(scripted: Container) -> None:
    found = scripted.exchange("POST", "/score", b"sleep", JSON)
    refuses(found, "Scoring timeout after 1500 ms", status=500)
    assert scripted.exchange("POST", "/score", b"nothing", JSON).status == 200


@pytest.mark.parametrize("fault", BROKEN)
def test_one_that_cannot_load_ends_the_container_with_3_and_says_why(image: str, lay: Laid, fault: str) -> None:
    text, words = BROKEN[fault]
    command = ["docker", "run", "--rm", "--network", "host", "--env", f"PORT={free_port()}", *STRICT, *lay(text), image]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 3, done.stdout + done.stderr
    assert words in done.stdout + done.stderr
