"""A pushed image and a pushed index are pulled and run by others, and answer as the model itself does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from consumers import Consumer, consumer
from containers import Container, free_port, same
from doubling import cache_folder
from questions import Question
from registry import registry

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.registry, pytest.mark.network]

# The smallest of the models, without what makes it start faster.
MODEL = "pyfunc-code"
# A model that its script has no need of, for what would take its time to unpack the packages of a real one.
LIGHT = {
    "model/MLmodel": (
        "flavors:\n  python_function:\n    env: conda.yaml\n    loader_module: none\n    python_version: 3.11.2\n"
        "mlflow_version: 3.17.2\nmodel_uuid: 0123456789abcdef0123456789abcdef\n"
    ),
    "model/conda.yaml": "name: light\ndependencies:\n- python=3.11.2\n- pip\n- pip:\n  - colorama==0.4.6\n",
    "score.py": (
        "import json\n\nimport colorama\n\n\ndef init():\n    colorama.init()\n\n\n"
        'def run(data):\n    return {"sum": sum(json.loads(data)["parts"])}\n'
    ),
}
BOTH = ("--platform", "linux/amd64,linux/arm64", "--sbom", "--provenance")
PULL = {"docker": "docker pull NAME", "podman": "podman pull NAME", "ctr": "ctr images pull NAME"}
STRICT = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")
RUN = {
    "docker": ("run", "--rm", "--network", "host", *STRICT, "--name", "ID", "--env", "PORT=NUMBER", "NAME"),
    "podman": ("run", "--rm", "--network", "host", *STRICT, "--name", "ID", "--env", "PORT=NUMBER", "NAME"),
    "ctr": ("run", "--rm", "--net-host", "--env", "PORT=NUMBER", "NAME", "ID"),
}
REMOVE = {
    "docker": ("rm", "--force", "ID"),
    "podman": ("rm", "--force", "ID"),
    "ctr": ("tasks", "kill", "-s", "9", "ID"),
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


def push(name: str, cache: Path, model: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "envbuild", "image", str(model), "-t", name, "--push", "--server", "envbuild"]
    environment = {**os.environ, "ENVBUILD_CACHE_DIR": str(cache)}
    command += ["--bytecode", "off", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def light(address: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an index of two platforms, with what is attached to them."""
    folder = tmp_path_factory.mktemp("light")
    for path, text in LIGHT.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    name = f"{address}/envbuild-test/light:1"
    push(name, cache_folder(tmp_path_factory), folder / "model", "--scoring-script", str(folder / "score.py"), *BOTH)
    return name


@contextmanager
def running(taker: Consumer, name: str, log: Path) -> Iterator[Container]:
    """A container of an image that `taker` has, in the foreground of a process, from its first answer on."""
    port = free_port()
    places = {"ID": f"envbuild-test-{port}", "NUMBER": str(port), "NAME": name}

    def filled(words: tuple[str, ...]) -> list[str]:
        return taker.start(*(fill(word, places) for word in words))

    with log.open("wb") as out:
        process = subprocess.Popen(filled(RUN[taker.program]), stdout=out, stderr=out, env=taker.environment)
    try:
        container = Container(name=places["ID"], port=port)
        wait(container, process, log)
        yield container
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    finally:
        if process.poll() is None:
            subprocess.run(filled(REMOVE[taker.program]), capture_output=True, env=taker.environment, check=False)
            process.kill()
            process.wait()


def fill(word: str, places: dict[str, str]) -> str:
    for place, value in places.items():
        word = word.replace(place, value)
    return word


def wait(container: Container, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1200):
        try:
            if container.ask("GET", "/ping", timeout=5).status == 200:
                return
        except OSError:
            if process.poll() is not None:
                break
        time.sleep(0.05)
    raise AssertionError(f"no answer: {log.read_text()[-3000:]}")


def pull(taker: Consumer, name: str) -> None:
    done = taker.follow(PULL[taker.program], NAME=name)
    assert done.returncode == 0, done.stderr


def test_docker_runs_a_pulled_image_and_a_pulled_index_as_the_model_itself(
    address: str, fixture_models: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    question = Question(fixture_models / MODEL)
    kinds = {"image": ("--platform", "linux/amd64"), "index": BOTH}
    for kind, platforms in kinds.items():
        name = f"{address}/envbuild-test/{kind}:1"
        push(name, cache_folder(tmp_path_factory), fixture_models / MODEL, *platforms)
        raw = ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{name}"]
        manifest = json.loads(subprocess.run(raw, capture_output=True, check=True).stdout)
        assert len(manifest.get("manifests", [])) == (0 if kind == "image" else 4)
    names = [f"{address}/envbuild-test/{kind}:1" for kind in kinds]
    with consumer("docker", tmp_path, Path) as docker:
        try:
            for name in names:
                pull(docker, name)
                with running(docker, name, tmp_path / "log") as container:
                    answer = container.post("/invocations", question.example)
                assert answer.status == 200, answer.body
                assert same(answer.body["predictions"], question.answer), answer.body
        finally:
            docker.run(["rmi", *names])


@pytest.mark.parametrize("who", ["docker forky", "podman trixie", "ctr forky"])
def test_others_run_a_pulled_index(request: pytest.FixtureRequest, light: str, tmp_path: Path, who: str) -> None:
    with consumer(who, tmp_path, request.config.cache.mkdir) as taker:
        pull(taker, light)
        with running(taker, light, tmp_path / "log") as container:
            answer = container.post("/score", {"parts": [1, 2, 3]})
    assert answer.status == 200, answer.body
    assert answer.body == {"sum": 6}
