"""Scoring scripts of a person's own, laid into containers of both servers: what run() is given, and what may go wrong.

The script lies in a mounted folder that AML_APP_ROOT names, as Azure ML lays scripts into containers.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asked import JSON, answers, refuses
from azure_score import ENDS, TOOK
from azure_swagger import parts
from containers import STRICT, Container, free_port, running
from images import Build

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]

FILES = Path(__file__).parent / "mounted"
BROKEN = {
    "no run": ("def init(): pass\n", "does not have a run() function defined"),
    "no init": ("def run(data): pass\n", "does not have a init() function defined"),
    "an error in init": (
        "def init():\n    raise RuntimeError('the weights are gone')\ndef run(data): pass\n",
        "RuntimeError: the weights are gone",
        # What most such scripts look for in the wrong place.
        "Model Directory Contents:",
        "model.pkl",
    ),
    "an error of its own": ("import no_such_package\n", "No module named 'no_such_package'"),
    "positional only": (
        "def init(): pass\ndef run(data, /): pass\n",
        "run() cannot accept positional-only arguments, *args, or **kwargs.",
    ),
    "headers alone": (
        "def init(): pass\ndef run(request_headers): pass\n",
        'run() needs to accept an argument other than "request_headers".',
    ),
}
FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
Laid = Callable[..., tuple[str, ...]]


@pytest.fixture(scope="module", params=["envbuild", "azureml"])
def server(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def image(server: str, build: Build, fixture_models: Path) -> str:
    tag: str = build(fixture_models / "diabetes", f"contract-scripts-{server}", "--server", server)["tag"]
    return tag


@pytest.fixture(scope="module")
def lay(tmp_path_factory: pytest.TempPathFactory) -> Laid:
    """Copy a folder, or write score.py; return the engine's options that lay it into a container."""

    def write(files: Path | str, entry: str = "score.py") -> tuple[str, ...]:
        folder = tmp_path_factory.mktemp("script")
        if isinstance(files, Path):
            shutil.copytree(files, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / "score.py").write_text(files)
        # The container's user is nobody here.
        folder.chmod(0o755)
        variables = ("--env", "AML_APP_ROOT=/var/azureml-app/script", "--env", f"AZUREML_ENTRY_SCRIPT={entry}")
        return ("--volume", f"{folder}:/var/azureml-app/script:ro", *variables)

    return write


@pytest.fixture(scope="module")
def scripted(image: str, lay: Laid) -> Iterator[Container]:
    variables = ("--env", "SCORING_TIMEOUT_MS=1500", "--env", "AZUREML_SOURCE_DIRECTORY=more")
    with running(image, options=(*STRICT, *lay(FILES, "deep/score.py"), *variables)) as container:
        yield container


@pytest.mark.parametrize("media", ["application/json", "text/csv", "application/octet-stream"])
def test_run_is_given_the_body_as_text_of_any_type_and_the_headers(scripted: Container, media: str) -> None:
    sent = {"Content-Type": media, "x-mine": "b", "X-MINE-too": "C d"}
    found = scripted.exchange("POST", "/score", b'{"a": 1}', sent)
    assert (found.status, found.headers["content-type"]) == (200, "application/json")
    assert found.body == {"type": "str", "raw": '{"a": 1}', "mine": {"X-Mine": "b", "X-Mine-Too": "C d"}}
    assert found.headers[ENDS] == "False"
    assert float(found.headers[TOOK]) >= 0


def test_the_body_may_be_empty_or_in_any_writing(scripted: Container) -> None:
    for body, raw in ((b"", ""), ("\u00e9\u4e2d".encode(), "\u00e9\u4e2d")):
        found = scripted.exchange("POST", "/score", body, {"Content-Type": "text/plain"})
        assert (found.status, found.body["raw"]) == (200, raw)


def test_a_form_is_text_like_any_other_body(scripted: Container, server: str) -> None:
    found = scripted.exchange("POST", "/score", b"a=1", {"Content-Type": "application/x-www-form-urlencoded"})
    # Flask has taken it for a form by then, and leaves nothing.
    assert (found.status, found.body["raw"]) == (200, "a=1" if server == "envbuild" else "")


@pytest.mark.parametrize(
    ("query", "given"),
    [
        ("", {}),
        ("?a=1&b=[1,2]&c=text&d=null&f=", {"a": 1, "b": [1, 2], "c": "text", "d": None, "f": ""}),
        ("?e=x&e=2&g=%7B%22h%22:true%7D", {"e": ["x", 2], "g": {"h": True}}),
    ],
)
def test_run_is_given_the_query_of_a_get_as_a_json_text(scripted: Container, query: str, given: dict[str, Any]) -> None:
    found = scripted.exchange("GET", f"/score{query}")
    assert (found.status, found.body["type"]) == (200, "str")
    assert json.loads(found.body["raw"]) == given


def test_options_is_200_and_run_is_not_called(scripted: Container) -> None:
    found = scripted.exchange("OPTIONS", "/score")
    assert (found.status, found.body, TOOK in found.headers) == (200, "", False)


def test_a_script_finds_its_modules_its_files_and_the_model(scripted: Container) -> None:
    found = scripted.exchange("POST", "/score", b"where", JSON)
    assert found.status == 200, found.body
    assert found.body["words"] == ["in the working directory"]
    assert found.body["modules"] == ["beside", "below"]
    assert {"MLmodel", "model.pkl"} <= set(found.body["model"])


def test_what_it_prints_and_logs_is_in_the_log(scripted: Container) -> None:
    for text in ("init prints", "init logs"):
        assert text in scripted.logs()


def test_a_body_that_is_no_text_is_400(scripted: Container) -> None:
    refuses(scripted.exchange("POST", "/score", b"\xff", JSON), "Input cannot be decoded as UTF-8")


def test_nothing_is_an_empty_object(scripted: Container) -> None:
    found = scripted.exchange("POST", "/score", b"nothing", JSON)
    assert (found.status, found.body) == (200, {})


def test_a_response_of_its_own_is_passed_on(scripted: Container) -> None:
    found = scripted.exchange("POST", "/score", b"teapot", {**JSON, "x-request-id": "theirs"})
    assert (found.status, found.body, found.headers["x-mine"]) == (418, "short", "a")
    assert found.headers[ENDS] == "False"
    # But for the request's name, which a script cannot change.
    assert found.headers["x-request-id"] == "theirs"


def test_one_of_500_and_more_is_a_failure(scripted: Container) -> None:
    found = scripted.exchange("POST", "/score", b"unavailable", JSON)
    assert (found.status, found.body, found.headers[ENDS]) == (503, {"why": "later"}, "True")


def test_an_error_is_500_without_its_words(scripted: Container) -> None:
    found = scripted.exchange("POST", "/score", b"raise", JSON)
    refuses(found, FAILED, status=500)
    assert found.headers[ENDS] == "True"
    assert "ValueError: s3cr3t" in scripted.logs()


def test_one_that_takes_too_long_is_500_and_the_next_is_answered(scripted: Container) -> None:
    found = scripted.exchange("POST", "/score", b"sleep", JSON)
    refuses(found, "Scoring timeout after 1500 ms", status=500)
    assert scripted.exchange("POST", "/score", b"nothing", JSON).status == 200


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("an array", [[1, 2]]),
        ("a table", [{"a": 1.5}]),
        ("a moment", "2026-01-02T03:04:05"),
        ("nan", None),
    ],
)
def test_what_json_has_no_form_for(scripted: Container, server: str, asked: str, expected: Any) -> None:
    found = scripted.exchange("POST", "/score", asked.encode(), JSON)
    if server == "envbuild":
        answers(found, expected)
    elif asked == "nan":
        # Azure ML's server writes what is no JSON.
        assert (found.status, found.body) == (200, "NaN")
    else:
        refuses(found, "An unexpected internal error occurred. Check the logs for more info.", status=500)


def test_a_description_of_its_own_comes_first(scripted: Container) -> None:
    found = {version: scripted.exchange("GET", f"/swagger.json?version={version}") for version in ("2", "3", "3.1")}
    assert [answer.status for answer in found.values()] == [200, 200, 200]
    assert found["3"].body == {"mine": 3}
    # Nothing is known of a run() without decorators.
    for version in ("2", "3.1"):
        assert parts(found[version].body) == ({"type": "object", "example": {}},) * 2


def test_a_script_has_no_invocations(scripted: Container) -> None:
    assert scripted.exchange("POST", "/invocations", {"inputs": [1]}, JSON).status == 404


def ended(image: str, options: tuple[str, ...]) -> str:
    """What a container says that ends by itself, with exit code 3."""
    command = ["docker", "run", "--rm", "--network", "host", "--env", f"PORT={free_port()}", *STRICT, *options, image]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 3, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("fault", BROKEN)
def test_one_that_cannot_load_ends_the_container_with_3_and_says_why(image: str, lay: Laid, fault: str) -> None:
    text, *words = BROKEN[fault]
    said = ended(image, lay(text))
    for word in words:
        assert word in said


def test_one_that_is_missing_ends_the_container_with_3_and_is_named(image: str, lay: Laid, server: str) -> None:
    said = ended(image, lay(FILES, "deep/scores.py"))
    words = {"envbuild": "/scores.py does not exist. Check AML_APP_ROOT", "azureml": "No such file or directory: '"}
    assert words[server] in said
    assert "/var/azureml-app/script/deep/scores.py" in said
