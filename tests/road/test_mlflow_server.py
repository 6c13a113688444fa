"""Images with MLflow's own server answer, in each edition: as containers of a strict cluster run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from containers import running, same

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]

LOADER = """
class Doubler:
    def predict(self, frame):
        return (frame["a"] * 2).to_numpy()


def _load_pyfunc(path):
    return Doubler()
"""
SPLIT = {"columns": ["a"], "data": [[1.5], [-2.0]]}
Build = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """Build into the engine with MLflow's server and give the JSON result; removed in the end."""
    named = os.environ.get("ENVBUILD_TEST_CACHE")
    environment = {**os.environ, "ENVBUILD_CACHE_DIR": named or str(tmp_path_factory.mktemp("cache"))}
    made: list[str] = []

    def image(model: Path, *arguments: str) -> dict[str, Any]:
        tag = f"envbuild-test/mlflow-server-{model.name}:latest"
        command = [sys.executable, "-m", "envbuild", "image", str(model), "-t", tag, "--output", "docker", "--json"]
        made.append(tag)
        done = subprocess.run(
            [*command, "--server", "mlflow", *arguments], capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr
        return {**json.loads(done.stdout), "tag": tag}

    yield image
    for tag in made:
        subprocess.run(["docker", "rmi", tag], capture_output=True, check=False)


def write_model(folder: Path, mlflow: str, python: str) -> Path:
    """A model with a loader of its own, pinned to one version of mlflow and nothing else."""
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "doubler.py").write_text(LOADER)
    (folder / "MLmodel").write_text(
        "flavors:\n"
        "  python_function:\n"
        "    code: code\n"
        "    env: conda.yaml\n"
        "    loader_module: doubler\n"
        f"    python_version: {python}\n"
        f"mlflow_version: {mlflow}\n"
        "model_uuid: 0123456789abcdef0123456789abcdef\n"
        "signature:\n"
        '  inputs: \'[{"name": "a", "type": "double"}]\'\n'
        "utc_time_created: '2022-01-02 03:04:05.000000'\n"
    )
    (folder / "conda.yaml").write_text(
        "name: mlflow-env\nchannels:\n- conda-forge\ndependencies:\n"
        f"- python={python}\n- pip\n- pip:\n  - mlflow=={mlflow}\n"
    )
    return folder


def edition(built: dict[str, Any]) -> tuple[str, str]:
    (found,) = [row for row in built["decisions"] if row["what"] == "edition"]
    return found["value"], found["why"]


@pytest.fixture(scope="module")
def diabetes(build: Build, fixture_models: Path) -> dict[str, Any]:
    return build(fixture_models / "diabetes")


def test_a_model_of_today_answers(diabetes: dict[str, Any], fixture_models: Path) -> None:
    body = json.loads((fixture_models / "diabetes" / "serving_input_example.json").read_text())
    expected = json.loads((fixture_models / "diabetes.expected.json").read_text())
    with running(diabetes["tag"], path="/ping") as container:
        answer = container.post("/invocations", body)
        assert (container.ask("GET", "/health").status, container.ask("GET", "/version").body) == (200, "3.17.2")
        assert container.post("/invocations", {"nothing": 1}).status == 400
        assert container.ask("GET", "/nowhere").status == 404
    assert answer.status == 200, answer.body
    assert same(answer.body["predictions"], expected)
    value, why = edition(diabetes)
    assert value == "uvicorn with mlflow.pyfunc.scoring_server.app"
    assert why.startswith("mlflow 3.17.2 is locked")


def test_the_container_calls_itself_healthy_and_stops_at_once(diabetes: dict[str, Any]) -> None:
    with running(diabetes["tag"], path="/ping") as container:
        config = container.inspect()["Config"]
        test = config["Healthcheck"]["Test"]
        assert test[-2:] == ["8080", "/ping"]
        done = subprocess.run(["docker", "exec", container.name, *test[1:]], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "8080/tcp" in config["ExposedPorts"]
        assert config["Labels"]["dev.envbuild.server"] == "mlflow"
        started = time.monotonic()
        subprocess.run(["docker", "stop", "--time", "20", container.name], capture_output=True, check=True)
        assert time.monotonic() - started < 10
        assert container.inspect()["State"]["ExitCode"] == 0


def test_a_scoring_script_is_refused_before_anything_is_built(fixture_models: Path, tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text("def init(): ...\ndef run(data): ...\n")
    command = [sys.executable, "-m", "envbuild", "image", str(fixture_models / "diabetes"), "-t", "envbuild-test/none"]
    arguments = ["--server", "mlflow", "--scoring-script", str(tmp_path / "score.py")]
    environment = {**os.environ, "ENVBUILD_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 2
    assert "takes no scoring script" in done.stderr
    assert "--server azureml or --server envbuild" in done.stderr


@pytest.mark.parametrize(
    ("mlflow", "python", "base", "application", "body", "answer"),
    [
        ("1.26.0", "3.9.2", "debian:bullseye", "wsgi", SPLIT, [3.0, -4.0]),
        ("1.30.1", "3.9.2", "debian:bullseye", "wsgi", SPLIT, [3.0, -4.0]),
        ("2.9.2", "3.11.2", "auto", "wsgi", {"dataframe_split": SPLIT}, {"predictions": [3.0, -4.0]}),
        pytest.param(
            *("2.20.4", "3.11.2", "auto", "wsgi", {"dataframe_split": SPLIT}, {"predictions": [3.0, -4.0]}),
            marks=pytest.mark.proof,
        ),
        ("2.22.5", "3.11.2", "auto", "app", {"dataframe_split": SPLIT}, {"predictions": [3.0, -4.0]}),
    ],
)
def test_a_model_of_another_time_answers_with_the_server_of_its_time(
    build: Build, tmp_path: Path, mlflow: str, python: str, base: str, application: str, body: Any, answer: Any
) -> None:
    model = write_model(tmp_path / mlflow, mlflow, python)
    built = build(model, "--base", base)
    assert edition(built)[0].endswith(f"scoring_server.{application}")
    with running(built["tag"], path="/ping", seconds=180) as container:
        found = container.post("/invocations", body)
        started = time.monotonic()
        subprocess.run(["docker", "stop", "--time", "20", container.name], capture_output=True, check=True)
        assert time.monotonic() - started < 15
        assert container.inspect()["State"]["ExitCode"] == 0
    assert found.status == 200, found.body
    assert same(found.body, answer)
