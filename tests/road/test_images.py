"""Every fixture model becomes an image whose container answers as the model itself does."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers import STRICT, Container, running, same
from doubling import cache_folder
from images import Build, building
from questions import MODELS, Question

pytestmark = [pytest.mark.engine, pytest.mark.network]

SCRIPT = """
import json
import os

import mlflow.pyfunc
import pandas


def init():
    global model
    folder = os.path.join(os.environ["AZUREML_MODEL_DIR"], os.environ["MLFLOW_MODEL_FOLDER"])
    model = mlflow.pyfunc.load_model(folder)


def run(raw_data):
    split = json.loads(raw_data)["input_data"]
    frame = pandas.DataFrame(split["data"], columns=split["columns"])
    return {"mine": model.predict(frame).tolist(), "helper": helper_value()}


def helper_value():
    from helpers import VALUE
    return VALUE
"""


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    with building(cache_folder(tmp_path_factory)) as build:
        yield build


# test_parity.py asks both backends' images of the others as well, so they are left to `make test-slow`.
QUICK = {"diabetes"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in MODELS]
)
def test_a_container_answers_as_the_model_does(build: Build, fixture_models: Path, name: str) -> None:
    model = fixture_models / name
    built = build(model, name, "--server", "envbuild")
    with running(built["tag"]) as container:
        invocations = container.post("/invocations", Question(model).example)
        score = container.post("/score", Question(model).azure())
        ping = container.ask("GET", "/ping")
    assert invocations.status == 200, invocations.body
    assert same(invocations.body["predictions"], Question(model).answer), invocations.body
    assert score.status == 200, score.body
    assert same(score.body, Question(model).answer), score.body
    assert ping.status == 200


@pytest.fixture(scope="session")
def azure_image(build: Build, fixture_models: Path) -> str:
    tag: str = build(fixture_models / "diabetes", "diabetes-azureml")["tag"]
    return tag


def test_a_model_that_lists_azures_packages_gets_azures_server(azure_image: str, fixture_models: Path) -> None:
    model = fixture_models / "diabetes"
    with running(azure_image) as container:
        answer = container.post("/score", Question(model).azure())
        alive = container.ask("GET", "/")
        version = answer.headers.get("x-ms-server-version", "")
    assert answer.status == 200, answer.body
    assert same(answer.body, Question(model).answer)
    assert alive.body == "Healthy"
    assert version.startswith("azmlinfsrv/")


@pytest.mark.parametrize("server", [pytest.param("azureml", marks=pytest.mark.slow), "envbuild"])
def test_a_scoring_script_of_ones_own_answers(build: Build, fixture_models: Path, tmp_path: Path, server: str) -> None:
    (tmp_path / "score.py").write_text(SCRIPT)
    (tmp_path / "helpers.py").write_text("VALUE = 42\n")
    model = fixture_models / "diabetes"
    arguments = ["--scoring-script", str(tmp_path / "score.py"), "--code", str(tmp_path)]
    built = build(model, f"script-{server}", "--server", server, *arguments)
    with running(built["tag"]) as container:
        answer = container.post("/score", Question(model).azure())
    assert answer.status == 200, answer.body
    assert same(answer.body, {"mine": Question(model).answer, "helper": 42})


def test_the_container_stops_at_once_when_asked(azure_image: str) -> None:
    with running(azure_image) as container:
        started = time.monotonic()
        subprocess.run(["docker", "stop", "--time", "20", container.name], capture_output=True, check=True)
        assert time.monotonic() - started < 10
        assert container.inspect()["State"]["ExitCode"] in (0, 143)


def test_the_container_calls_itself_healthy(azure_image: str) -> None:
    with running(azure_image) as container:
        test = container.inspect()["Config"]["Healthcheck"]["Test"]
        assert test[0] == "CMD"
        done = subprocess.run(["docker", "exec", container.name, *test[1:]], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_image_holds_no_pip_no_compiler_and_no_shell(azure_image: str) -> None:
    made = subprocess.run(["docker", "create", azure_image], capture_output=True, text=True, check=True)
    container = made.stdout.strip()
    try:
        exported = subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE)
        with tarfile.open(fileobj=exported.stdout, mode="r|") as tar:
            names = {member.name for member in tar}
        exported.wait()
    finally:
        subprocess.run(["docker", "rm", container], capture_output=True, check=False)
    programs = {name.rpartition("/")[2] for name in names if "/bin/" in f"/{name}"}
    assert not programs & {"pip", "pip3", "gcc", "cc", "sh", "bash", "dash", "apt", "apt-get"}
    assert not [name for name in names if "site-packages/pip/" in name or "/.cache" in name]
    assert "opt/envbuild/bin/python" in names


def test_the_image_runs_as_nobody_in_particular(azure_image: str) -> None:
    with running(azure_image, options=()) as container:
        config = container.inspect()["Config"]
    assert config["User"] == "65532:65532"
    assert "5001/tcp" in config["ExposedPorts"]
    assert config["Labels"]["dev.envbuild.server"] == "azureml"


def test_a_model_without_azures_packages_stops_with_three_ways_on(build: Build, fixture_models: Path) -> None:
    text = build(fixture_models / "forest", "forest-refused", code=1)["stderr"]
    for word in ("EB301", "EB302", "--fix", "--inject", "--server envbuild", "conda.yaml"):
        assert word in text


@pytest.mark.slow
def test_each_of_the_three_ways_on_works(build: Build, fixture_models: Path, tmp_path: Path) -> None:
    forest = fixture_models / "forest"
    fixed = tmp_path / "forest"
    shutil.copytree(forest, fixed)
    ways = {"fix": (fixed, "--fix"), "inject": (forest, "--inject"), "own": (forest, "--server", "envbuild")}
    for name, (model, *arguments) in ways.items():
        built = build(model, f"forest-{name}", *arguments)
        with running(built["tag"], options=STRICT) as container:
            answer = container.post("/score", Question(forest).azure())
        assert answer.status == 200, (name, answer.body)
        assert same(answer.body, Question(forest).answer), name
    assert "azureml-ai-monitoring" in (fixed / "conda.yaml").read_text()
    assert "azureml" not in (forest / "conda.yaml").read_text()


def test_one_changed_byte_sends_only_the_model(build: Build, fixture_models: Path, tmp_path: Path) -> None:
    model = tmp_path / "diabetes"
    shutil.copytree(fixture_models / "diabetes", model)
    first = build(model, "changed", "--server", "envbuild")
    (model / "input_example.json").write_text((model / "input_example.json").read_text() + " ")
    second = build(model, "changed", "--server", "envbuild")
    new = [layer for layer in second["layers"] if not layer["cached"]]
    assert [layer["kind"] for layer in new] == ["model", "record"]
    assert second["sent"] < sum(layer["size"] for layer in new) + 64 * 1024
    assert second["sent"] < first["size"] / 100
    assert build(model, "changed", "--server", "envbuild")["sent"] == 0
    with running(second["tag"]) as container:
        answer = container.post("/invocations", Question(model).example)
    assert same(answer.body["predictions"], Question(fixture_models / "diabetes").answer)


def test_a_container_takes_a_client_mistake_for_one(build: Build, fixture_models: Path) -> None:
    built = build(fixture_models / "diabetes", "diabetes", "--server", "envbuild")

    def check(container: Container) -> None:
        lacking = {"input_data": {"columns": ["age"], "data": [[1.0]], "index": [0]}}
        assert container.post("/score", lacking).status == 400
        assert container.ask("GET", "/invocations").status == 405
        assert container.ask("GET", "/nowhere").status == 404

    with running(built["tag"]) as container:
        check(container)
