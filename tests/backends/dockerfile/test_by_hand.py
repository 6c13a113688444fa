"""A written context is built by hand, with plain `docker build`: values arrive as they were, and the image answers."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import buildkit_client
from containers import running, same

from envbuild.backends.dockerfile.writing import stream_tar, write_folder

pytestmark = pytest.mark.engine

# Without the steps that run a Python: the base of these contexts has none.
NO_STEPS = """\
{% extends "base.Dockerfile.j2" %}
{% block packages %}{% endblock %}
{% block image %}
FROM base
{% endblock %}
{% block bytecode %}{% endblock %}
"""
VALUES = {
    "A": 'x"\\nRUN ["rm", "-rf", "/"]',
    "B": "${PATH} $HOME $$ $(id) `id`",
    "C": "ends with a backslash \\",
    "D": 'a \\" b \\\\ c \\n',
    "E": "# escape=`",
    "F": "'single' \"double\"",
    "G": "  leading and trailing  ",
    "H": "käse 模型 🧀 \u00a0",
    "I": "tab\there",
    "J": "<<EOF",
    "K": "",
    "L": "a=b c=d \\",
    "M": "x" * 50_000,
}
LABELS = {
    "plain": "1",
    "with space": "2",
    'quote"d': "3",
    "$HOME": "4",
    "back\\slash": "5",
    "-dash": "6",
    "ü": "7",
    "#": "8",
}
NAMES = ["RUN rm -rf", "Dockerfile", ".dockerignore", "-f", "käse 模型.bin", "a\nRUN id", "sub folder/ENV A=b", "[x]*?"]


@pytest.fixture
def build() -> Iterator[Callable[..., str]]:
    """Build a folder or a tar and give the image's name; what was built is removed in the end."""
    made: list[str] = []

    def image(source: Path | bytes, *arguments: str, buildkit: bool = False) -> str:
        name = f"envbuild-context/{secrets.token_hex(4)}"
        command = [buildkit_client() if buildkit else "docker", "build", "--network", "host", "-t", name, *arguments]
        done = subprocess.run(
            [*command, str(source) if isinstance(source, Path) else "-"],
            input=None if isinstance(source, Path) else source,
            capture_output=True,
            env={**os.environ, "DOCKER_BUILDKIT": "1" if buildkit else "0"},
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode()[-4000:]
        made.append(name)
        return name

    yield image
    for name in made:
        subprocess.run(["docker", "rmi", name], capture_output=True, check=False)


def inspect(image: str) -> dict[str, Any]:
    done = subprocess.run(["docker", "inspect", image], capture_output=True, check=True)
    config: dict[str, Any] = json.loads(done.stdout)[0]["Config"]
    return config


def files_of(image: str) -> dict[str, tuple[int, int, bytes]]:
    """Mode, owner and content of every file of an image."""
    container = subprocess.run(
        ["docker", "create", image, "x"], capture_output=True, text=True, check=True
    ).stdout.strip()
    try:
        process = subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE)
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            found = {}
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                found[member.name] = (member.mode & 0o7777, member.uid, content.read() if content else b"")
        process.wait()
    finally:
        subprocess.run(["docker", "rm", container], capture_output=True, check=False)
    return found


@pytest.mark.parametrize("buildkit", [False, True], ids=["classic", "buildkit"])
@pytest.mark.parametrize("form", ["folder", "tar"])
def test_values_and_files_arrive_as_they_were(
    bench: Any, tmp_path: Path, build: Callable[..., str], form: str, buildkit: bool
) -> None:
    for name in NAMES:
        bench.write(name, name.encode(), 0o755 if name == "-f" else 0o600)
    context = bench.context(
        environment=tuple(VALUES.items()),
        labels=tuple(LABELS.items()),
        templates=bench.templates(Dockerfile=NO_STEPS),
        buildkit=buildkit,
    )
    if form == "folder":
        write_folder(context, tmp_path / "out")
        image = build(tmp_path / "out", buildkit=buildkit)
    else:
        image = build(b"".join(stream_tar(context)), buildkit=buildkit)
    plan = bench.plan(environment=tuple(VALUES.items()), labels=tuple(LABELS.items()))
    wanted = plan.config["config"]
    config = inspect(image)
    assert config["Env"] == wanted["Env"]
    assert config["Labels"] == wanted["Labels"]
    for key in ("User", "WorkingDir", "Entrypoint", "ExposedPorts", "StopSignal", "Healthcheck"):
        assert config[key] == wanted[key], key
    assert not config["Cmd"]
    files = files_of(image)
    assert files["etc/os-release"][2] == b"ID=test\n"
    for name in NAMES:
        mode = 0o755 if name == "-f" else 0o644
        assert files[f"var/azureml-app/azureml-models/model/1/model/{name}"] == (mode, 0, name.encode())


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("ENVBUILD_TEST_CACHE")
    return Path(named) if named else tmp_path_factory.mktemp("cache")


def write(model: Path, folder: Path, cache: Path, *arguments: str) -> str:
    """Run the command; what it says on stderr."""
    command = [sys.executable, "-m", "envbuild", "dockerfile", str(model), "-o", str(folder), "--server", "envbuild"]
    environment = {**os.environ, "ENVBUILD_CACHE_DIR": str(cache)}
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{folder}\n"
    return done.stderr


def check_answers(image: str, model: Path) -> None:
    with running(image, seconds=240) as container:
        answer = container.post("/invocations", json.loads((model / "serving_input_example.json").read_text()))
    assert answer.status == 200, answer.body
    assert same(answer.body["predictions"], json.loads((model.parent / f"{model.name}.expected.json").read_text()))


def check_nothing_is_left(image: str) -> None:
    """No tool, wheel, secret or certificate of the build, and no trace of how the index was reached."""
    files = files_of(image)
    assert not [
        name for name in files if name.startswith(("build", "wheels", "bytecode", "run/secrets", "var/cache/pip"))
    ]
    assert not [name for name in files if name.endswith(("ca.pem", ".whl")) or "/site-packages/pip/" in name]
    history = subprocess.run(
        ["docker", "history", "--no-trunc", image], capture_output=True, text=True, check=True
    ).stdout
    assert "PIP_" not in history
    assert not [entry for entry in inspect(image)["Env"] if entry.startswith("PIP_")]
    authorities = os.environ.get("SSL_CERT_FILE")
    if authorities:
        ours = Path(authorities).read_bytes()
        assert not [name for name, (_, _, content) in files.items() if content == ours]


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.proof
def test_the_classic_builder_makes_an_image_that_answers(
    fixture_models: Path, tmp_path: Path, cache: Path, build: Callable[..., str]
) -> None:
    model, folder = fixture_models / "diabetes", tmp_path / "context"
    said = write(model, folder, cache)
    assert f"docker build -t NAME {folder}" in said
    if os.environ.get("SSL_CERT_FILE"):
        shutil.copyfile(os.environ["SSL_CERT_FILE"], folder / "build" / "ca.pem")
    image = build(folder)
    check_nothing_is_left(image)
    check_answers(image, model)


@pytest.mark.network
@pytest.mark.slow
def test_buildkit_makes_an_image_that_answers(
    fixture_models: Path, tmp_path: Path, cache: Path, build: Callable[..., str]
) -> None:
    model, folder = fixture_models / "diabetes", tmp_path / "context"
    write(model, folder, cache, "--buildkit")
    authorities = os.environ.get("SSL_CERT_FILE")
    image = build(folder, *(["--secret", f"id=ca,src={authorities}"] if authorities else []), buildkit=True)
    check_nothing_is_left(image)
    check_answers(image, model)


@pytest.mark.network
@pytest.mark.slow
def test_wheels_of_the_context_need_no_index(
    fixture_models: Path, tmp_path: Path, cache: Path, build: Callable[..., str]
) -> None:
    model, folder = fixture_models / "diabetes", tmp_path / "context"
    write(model, folder, cache, "--wheels", "context", "--bytecode", "off")
    image = build(folder, "--network", "none")
    check_answers(image, model)
