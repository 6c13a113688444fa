"""Models on bases out of a real registry: look-alikes of the official Python images and of Azure's inference base."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lookalikes
import pytest
from containers import running, same
from interpreters import interpreter
from registry import push, registry

from envbuild.bases import open_base
from envbuild.errors import BaseImageError
from envbuild.oci.canonical import canonical_json
from envbuild.oci.image import make_image
from envbuild.oci.layout import write_layout
from envbuild.oci.store import Store

pytestmark = [pytest.mark.registry, pytest.mark.network]

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("ENVBUILD_TEST_CACHE")
    return Path(named) if named else tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[str]:
    """A registry with the look-alikes of which there is a Python here; gives its address."""
    folder = tmp_path_factory.mktemp("registry")
    store = Store(cache / "store")
    base = open_base("debian:bookworm", store)
    with registry(folder) as address:
        for minor in ("3.10", "3.12"):
            python = interpreter(minor)
            if python is not None:
                layout = lookalikes.official(folder / minor, base, store, python, version_of(python))
                push(layout, address, f"library/python:{minor}-slim")
        azure_python = interpreter("3.12")
        if azure_python is not None:
            poison = ["numpy", "pandas", "mlflow", "uvicorn", "sklearn"]
            push(
                lookalikes.azure(folder / "azure", base, store, azure_python, poison=poison), address, "azureml/base:1"
            )
        yield address


def version_of(python: Path) -> str:
    code = "import platform; print(platform.python_version())"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def needed(minor: str) -> str:
    """The full version of the Python that the image is made from; skips without one."""
    python = interpreter(minor)
    if python is None:
        pytest.skip(f"there is no Python {minor} on this machine to make an image from")
    return version_of(python)


@pytest.fixture
def envbuild(hub: str, cache: Path) -> Command:
    """Run the command with Docker Hub replaced by the registry."""

    def run(*arguments: str | Path, code: int = 0, **changes: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "ENVBUILD_CACHE_DIR": str(cache), "ENVBUILD_REGISTRY_MIRROR": hub, **changes}
        command = [sys.executable, "-m", "envbuild", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == code, done.stderr
        return done

    return run


@pytest.fixture
def image(envbuild: Command) -> Iterator[Callable[..., dict[str, Any]]]:
    """Build into the engine; gives the JSON result, with the tag. What was built is removed in the end."""
    made: list[str] = []

    def build(model: Path, name: str, *arguments: str | Path) -> dict[str, Any]:
        tag = f"envbuild-registry-test/{name}:latest"
        made.append(tag)
        envbuild("image", model, "-t", tag, "--output", "docker", *arguments)
        return {"tag": tag, "plan": json.loads(envbuild("plan", model, "--json", *arguments).stdout)}

    yield build
    for tag in made:
        subprocess.run(["docker", "rmi", tag], capture_output=True, check=False)


def answers(tag: str, model: Path) -> dict[str, Any]:
    """The container's own description, after it answered as the model does."""
    with running(tag, seconds=240) as container:
        found = container.post("/invocations", json.loads((model / "serving_input_example.json").read_text()))
        described = container.inspect()
    assert found.status == 200, found.body
    expected = json.loads((model.parent / f"{model.name}.expected.json").read_text())
    assert same(found.body["predictions"], expected), found.body
    return described


@pytest.mark.engine
@pytest.mark.slow
def test_a_python_3_12_model_builds_on_the_official_image_and_answers(
    image: Callable[..., dict[str, Any]], fixture_models: Path
) -> None:
    version = needed("3.12")
    model = fixture_models / "diabetes"
    built = image(model, "py312", "--python", "3.12", "--server", "envbuild")
    plan = built["plan"]
    assert plan["base"]["name"] == "docker.io/library/python:3.12-slim"
    assert plan["python"] == version
    (decision,) = [d for d in plan["decisions"] if d["what"] == "base"]
    assert decision["value"] == "docker.io/library/python:3.12-slim"
    assert decision["why"] == "Python 3.12 (--python), which no assembled base has"
    labels = answers(built["tag"], model)["Config"]["Labels"]
    assert labels["org.opencontainers.image.base.name"] == "docker.io/library/python:3.12-slim"
    assert labels["org.opencontainers.image.base.digest"] == plan["base"]["digest"]


@pytest.mark.engine
@pytest.mark.slow
def test_a_python_3_10_model_builds_with_bytecode_by_the_images_own_python(
    image: Callable[..., dict[str, Any]], fixture_models: Path, tmp_path: Path
) -> None:
    needed("3.10")
    environment = tmp_path / "conda.yaml"
    pins = ["mlflow==3.17.2", "cloudpickle==3.1.2", "numpy<2.3", "pandas<3"]
    environment.write_text("dependencies:\n- python=3.10\n- pip:\n" + "".join(f"  - {pin}\n" for pin in pins))
    model = fixture_models / "pyfunc-code"
    arguments = ("--environment", environment, "--server", "envbuild", "--bytecode", "startup")
    built = image(model, "py310", *arguments)
    assert built["plan"]["base"]["name"] == "docker.io/library/python:3.10-slim"
    assert "bytecode" in [layer["kind"] for layer in built["plan"]["layers"]]
    answers(built["tag"], model)


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("server", ["envbuild", "azureml"])
def test_a_base_laid_out_like_azures_keeps_its_python_and_its_user(
    image: Callable[..., dict[str, Any]], hub: str, fixture_models: Path, server: str
) -> None:
    needed("3.12")
    model = fixture_models / "diabetes"
    base = ("--base", f"docker://{hub}/azureml/base:1", "--python", "3.12")
    arguments = (*base, "--server", server, "--bytecode", "startup")
    built = image(model, f"azure-{server}", *arguments)
    decisions = {d["what"]: d["value"] for d in built["plan"]["decisions"]}
    assert decisions["user"] == "dockeruser"
    assert decisions["interpreter"] == "/azureml-envs/mlflow/bin/python3.12"
    strict = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")
    with running(built["tag"], options=strict, seconds=240) as container:
        example = json.loads((model / "serving_input_example.json").read_text())
        if server == "envbuild":
            answer = container.post("/invocations", example)
        else:
            answer = container.post("/score", {"input_data": example["dataframe_split"]})
        config = container.inspect()["Config"]
        top = subprocess.run(
            ["docker", "top", container.name, "-o", "pid,uid,args"], capture_output=True, text=True, check=True
        )
    assert answer.status == 200, answer.body
    assert config["User"] == "dockeruser"
    assert set(config["ExposedPorts"]) == {"5001/tcp", "8883/tcp", "8080/tcp" if server == "envbuild" else "5001/tcp"}
    variables = dict(entry.split("=", 1) for entry in config["Env"])
    assert (variables["USER"], variables["LOGNAME"]) == ("dockeruser", "dockeruser")
    assert variables["LD_LIBRARY_PATH"] == "/azureml-envs/mlflow/lib"
    assert variables["PATH"].startswith("/opt/envbuild/bin:/azureml-envs/mlflow/bin:")
    assert "runsvdir" not in top.stdout
    assert {line.split()[1] for line in top.stdout.splitlines()[1:]} == {"1000"}


@pytest.mark.slow
def test_the_second_build_fetches_nothing_and_a_registry_that_is_gone_is_made_up_for(
    envbuild: Command, fixture_models: Path, tmp_path: Path
) -> None:
    needed("3.12")
    arguments = ("plan", fixture_models / "diabetes", "--python", "3.12", "--server", "envbuild", "--json")
    first = json.loads(envbuild(*arguments).stdout)
    gone = envbuild(*arguments, ENVBUILD_REGISTRY_MIRROR="127.0.0.1:1")
    assert json.loads(gone.stdout) == first
    assert "is taken as it was last" in gone.stderr
    never = envbuild(*arguments, code=6, ENVBUILD_REGISTRY_MIRROR="127.0.0.1:1", ENVBUILD_CACHE_DIR=str(tmp_path))
    for way in ("--base docker-daemon:python:3.12-slim", "oci-archive:FILE", "--python 3.11"):
        assert way in never.stderr
    assert "Traceback" not in never.stderr
    digest = first["base"]["digest"]
    pinned = envbuild(*arguments, "--base", f"python:3.12-slim@{digest}", ENVBUILD_REGISTRY_MIRROR="127.0.0.1:1")
    assert json.loads(pinned.stdout)["base"] == {"name": "docker.io/library/python:3.12-slim", "digest": digest}
    assert "taken as it was last" not in pinned.stderr


# bcrypt of "secret".
PASSWORD_LINE = "me:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"


@pytest.mark.engine  # for `docker login`
def test_a_registry_with_a_password_is_opened_by_dockers_own_login(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, own = Store(cache / "store"), Store(tmp_path / "store")
    base = open_base("debian:bookworm", shared)
    layout = tmp_path / "layout"
    write_layout(make_image(canonical_json(base.config), base.layers, {}), ["private:1"], shared, layout)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    with registry(tmp_path / "registry", htpasswd=PASSWORD_LINE) as address:
        push(layout, address, "team/private:1", login="me:secret")
        with pytest.raises(BaseImageError, match="wants a login") as caught:
            open_base(f"{address}/team/private:1", own)
        assert f"docker login {address}" in caught.value.hint
        login = ["docker", "login", "--username", "me", "--password-stdin", address]
        subprocess.run(login, input=b"secret", check=True, capture_output=True)
        assert open_base(f"{address}/team/private:1", own).interpreter == base.interpreter
