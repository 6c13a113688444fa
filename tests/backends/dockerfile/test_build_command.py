"""`envbuild image --backend docker`, as a person types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envbuild.cli.values import make_options
from envbuild.errors import UsageError
from envbuild.options import DockerOptions

Run = Callable[..., "subprocess.CompletedProcess[str]"]
TAG = "envbuild-build-test/command:latest"


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("ENVBUILD_TEST_CACHE")
    return Path(named) if named else tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(shared_cache: Path, fixture_models: Path) -> Run:
    """Run `envbuild image diabetes --backend docker ARGUMENTS`."""

    def command(*arguments: str, command: str = "image", **changes: str) -> subprocess.CompletedProcess[str]:
        tag = ["-t", TAG] if command == "image" else []
        line = [
            sys.executable,
            "-m",
            "envbuild",
            command,
            str(fixture_models / "diabetes"),
            *tag,
            "--server",
            "envbuild",
        ]
        env = {**os.environ, "ENVBUILD_CACHE_DIR": str(shared_cache), "NO_COLOR": "1", **changes}
        return subprocess.run([*line, *arguments], capture_output=True, text=True, env=env, check=False, timeout=600)

    return command


@pytest.fixture
def free_tag() -> Iterator[str]:
    """The tag, which no image has before and after the test."""
    subprocess.run(["docker", "rmi", TAG], capture_output=True, check=False)
    yield TAG
    subprocess.run(["docker", "rmi", TAG], capture_output=True, check=False)


def tagged(tag: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", tag], capture_output=True, check=False).returncode == 0


def test_the_options_become_one_value(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x")
    options = make_options(
        backend="docker",
        builder="buildkit",
        build_arg=("A=1", "B=x=y"),
        secret=(f"id=t,src={tmp_path}/token",),
        build_network="host",
        build_progress="plain",
        templates=tmp_path,
        wheels="context",
    )
    assert options.docker == DockerOptions(
        templates=tmp_path,
        wheels="context",
        builder="buildkit",
        build_args=(("A", "1"), ("B", "x=y")),
        secrets=(f"id=t,src={tmp_path}/token",),
        network="host",
        output="plain",
    )
    assert make_options(backend="auto", builder=None, build_arg=()).docker == DockerOptions()


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        ({"backend": "auto", "builder": "classic"}, "--builder is the Dockerfile backend's"),
        ({"backend": "assemble", "build_arg": ("A=1",)}, "--build-arg"),
        ({"backend": "auto", "templates": Path("x")}, "--templates"),
        ({"backend": "docker", "build_arg": ("A",)}, "a value is missing"),
        ({"backend": "docker", "secret": ("src=x",)}, "an id is missing"),
        ({"backend": "docker", "secret": ("id=x,src=/nowhere/at/all",)}, "is no file"),
        ({"backend": "docker", "secret": ("id=x,env=X",), "builder": "classic"}, "needs BuildKit"),
    ],
)
def test_a_wrong_combination_is_told(flags: dict[str, object], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        make_options(**flags)  # type: ignore[arg-type]


def test_an_output_that_is_a_file_is_not_this_backends(run: Run, tmp_path: Path) -> None:
    done = run("--backend", "docker", "--output", f"oci-archive={tmp_path}/x.tar")
    assert done.returncode == 2
    assert "docker save" in done.stderr
    assert "--backend assemble" in done.stderr


def test_without_an_engine_there_is_no_build(run: Run, tmp_path: Path) -> None:
    done = run("--backend", "docker", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert done.returncode == 9
    assert "none.sock" in done.stderr
    assert "Resolved" not in done.stderr


@pytest.mark.engine
def test_buildkit_that_cannot_be_had_is_told_before_any_work(run: Run, tmp_path: Path) -> None:
    done = run("--backend", "docker", "--builder", "buildkit", PATH=str(tmp_path))
    assert done.returncode == 9
    assert "no docker client on PATH" in done.stderr
    assert "buildx" in done.stderr
    assert "Resolved" not in done.stderr


@pytest.mark.engine
def test_credentials_of_an_index_are_refused_by_the_classic_builder_before_any_work(run: Run) -> None:
    index = "https://me:pazzword@index.example.com/simple"
    done = run("--backend", "docker", "--builder", "classic", UV_DEFAULT_INDEX=index)
    assert done.returncode == 2
    assert "--wheels context" in done.stderr
    assert "pazzword" not in done.stderr
    assert "Resolved" not in done.stderr


@pytest.mark.engine
@pytest.mark.network
def test_the_plan_is_made_for_the_backend(run: Run) -> None:
    done = run("--backend", "docker", "--json", command="plan")
    assert done.returncode == 0, done.stderr
    decisions = {d["what"]: d["why"] for d in json.loads(done.stdout)["decisions"]}
    assert "inside the build" in decisions["bytecode"]


@pytest.mark.engine
@pytest.mark.network
def test_a_template_that_does_not_render_makes_no_image(run: Run, tmp_path: Path, free_tag: str) -> None:
    (tmp_path / "Dockerfile.j2").write_text(
        '{% extends "base.Dockerfile.j2" %}\n{% block system %}{{ nothing }}{% endblock %}'
    )
    done = run("--backend", "docker", "--templates", str(tmp_path))
    assert done.returncode == 2, done.stderr
    assert "Dockerfile.j2" in done.stderr
    assert "nothing" in done.stderr
    assert "Traceback" not in done.stderr
    assert not tagged(free_tag)


FAILING = """\
{% extends "base.Dockerfile.j2" %}
{% block packages %}
FROM base AS packages
RUN ["/usr/bin/python3", "-c", "print('counting down'); raise SystemExit('boom')"]
FROM packages AS bytecode
{% endblock %}
"""


@pytest.mark.engine
@pytest.mark.network
@pytest.mark.parametrize("builder", ["classic", "auto"])
def test_a_step_that_fails_makes_no_image_and_is_shown(run: Run, tmp_path: Path, free_tag: str, builder: str) -> None:
    (tmp_path / "Dockerfile.j2").write_text(FAILING)
    done = run("--backend", "docker", "--builder", builder, "--templates", str(tmp_path), "--build-network", "none")
    assert done.returncode == 9, done.stderr
    error = done.stderr.partition("error: ")[2]
    assert error.startswith("the build failed at line ")
    assert "| RUN [" in error
    assert "counting down" in error
    assert "boom" in error
    assert "Traceback" not in done.stderr
    assert not tagged(free_tag)


OTHER_USER = """\
{% extends "base.Dockerfile.j2" %}
{% block packages %}
FROM base AS packages
RUN ["/usr/bin/python3", "-c", "import os; os.makedirs('/opt/envbuild/x'); os.makedirs('/bytecode/y')"]
FROM packages AS bytecode
{% endblock %}
{% block config %}
{{ super() }}
USER 1234:0
LABEL team="red"
{% endblock %}
"""


@pytest.mark.engine
@pytest.mark.network
def test_what_a_template_changes_is_told_and_the_image_gets_its_name(run: Run, tmp_path: Path, free_tag: str) -> None:
    (tmp_path / "Dockerfile.j2").write_text(OTHER_USER)
    done = run("--backend", "docker", "--templates", str(tmp_path), "--build-network", "none", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert any("User is '1234:0', planned was '65532:65532'" in note for note in result["notes"])
    assert not any("team" in note for note in result["notes"])
    assert result["backend"] == "docker"
    assert result["builder"] in ("classic", "buildkit")
    assert any(d["what"] == "builder" and d["why"] for d in result["decisions"])
    assert result["size"] == sum(layer["size"] for layer in result["layers"]) > 40_000_000
    kinds = [layer["kind"] for layer in result["layers"]]
    assert (kinds[0], kinds[-2:]) == ("base", ["model", "record"])
    inspected = subprocess.run(["docker", "image", "inspect", free_tag], capture_output=True, text=True, check=True)
    found = json.loads(inspected.stdout)[0]
    assert found["Id"] == result["config_digest"]
    assert found["Config"]["Labels"]["team"] == "red"
    assert found["RootFS"]["Layers"] == [layer["diff_id"] for layer in result["layers"]]
