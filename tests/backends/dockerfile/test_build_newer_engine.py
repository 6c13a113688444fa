"""Docker of newer suites, with buildx and with images kept in containerd: build there, load there, run there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from containers import running, same
from newerengine import SUITES, newer_engine, plugins
from tinyroot import tiny_context, tiny_root

from envbuild.backends.dockerfile.build import build_image
from envbuild.backends.dockerfile.choosing import choose_builder
from envbuild.backends.dockerfile.fetching import Fetching
from envbuild.by_engine import connection_of
from envbuild.errors import EngineError
from envbuild.options import DockerOptions
from envbuild.progress import Progress
from envbuild.shipping.engine import connect

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.network]


@dataclass(frozen=True)
class Newer:
    """A running engine; `environment` is what makes `docker` and envbuild speak to it, with buildx."""

    environment: dict[str, str]

    def image(self, model: Path, tag: str, *arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "envbuild", "image", str(model), "-t", tag, "--server", "envbuild", "--json"]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, env={**os.environ, **self.environment}, check=False
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module", params=SUITES)
def newer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newer]:
    cache = request.config.cache.mkdir(f"containerd-store-{request.param}")
    with newer_engine(request.param, cache) as (socket, root):
        config = tmp_path_factory.mktemp("docker")
        (config / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(plugins(root))]}))
        named = os.environ.get("ENVBUILD_TEST_CACHE") or str(tmp_path_factory.mktemp("cache"))
        changes = {
            "DOCKER_HOST": f"unix://{socket}",
            "DOCKER_CONFIG": str(config),
            "PATH": f"{root}/usr/bin:{os.environ['PATH']}",
            "ENVBUILD_CACHE_DIR": named,
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, value in changes.items():
                patch.setenv(name, value)
            yield Newer(environment=changes)


def answered(tag: str, model: Path) -> Any:
    question = json.loads((model / "serving_input_example.json").read_text())
    with running(tag, seconds=240) as container:
        answer = container.post("/invocations", question)
    assert answer.status == 200, answer.body
    return answer.body["predictions"]


def expected(model: Path) -> Any:
    return json.loads((model.parent / f"{model.name}.expected.json").read_text())


def test_buildx_is_found_and_a_failed_step_is_shown_with_its_line(newer: Newer, tmp_path: Path) -> None:
    engine = connect(required=True)
    assert engine is not None
    assert engine.info().store == "containerd"
    connection = connection_of(engine)
    builder = choose_builder("buildkit", connection)
    assert builder.plugin
    base = tiny_root(tmp_path, salt=str(tmp_path))
    text = 'FROM scratch\nADD base.tar /\n\nRUN ["/bin/sh", "-c", "echo counting; echo boom >&2; exit 3"]\n'
    with pytest.raises(EngineError) as caught:
        build_image(
            tiny_context(base, text, buildkit=True),
            connection=connection,
            builder=builder,
            options=DockerOptions(network="host"),
            fetching=Fetching(),
            progress=Progress(),
        )
    message = caught.value.message
    assert "line 4 of the Dockerfile" in message
    assert "counting" in message
    assert "boom" in message
    engine.close()


# Newer engines keep the classic builder for old times' sake; the one of Debian's engine builds with every change.
@pytest.mark.parametrize("builder", ["buildkit", pytest.param("classic", marks=pytest.mark.proof)])
def test_an_image_that_is_built_there_runs_there(newer: Newer, fixture_models: Path, builder: str) -> None:
    model = fixture_models / "named-tensors"
    tag = f"envbuild-build-test/newer-{builder}:latest"
    arguments = ["--backend", "docker", "--builder", builder, "--build-network", "host", "--wheels", "context"]
    built = newer.image(model, tag, *arguments, "--bytecode", "off")
    assert built["builder"] == builder
    assert built["manifest_digest"].startswith("sha256:")
    assert same(answered(tag, model), expected(model))
    again = newer.image(model, tag, *arguments, "--bytecode", "off")
    assert all(layer["cached"] for layer in again["layers"])
    assert again["config_digest"] == built["config_digest"]


def test_an_image_that_is_loaded_there_runs_there_and_so_does_one_of_which_a_part_is_sent(
    newer: Newer, fixture_models: Path, tmp_path: Path
) -> None:
    model = tmp_path / "named-tensors"
    shutil.copytree(fixture_models / "named-tensors", model)
    tag = "envbuild-build-test/newer-loaded:latest"
    whole = newer.image(model, tag, "--bytecode", "off")
    assert same(answered(tag, model), expected(fixture_models / "named-tensors"))
    (model / "MLmodel").write_text((model / "MLmodel").read_text() + "\n")
    part = newer.image(model, tag, "--bytecode", "off")
    assert part["sent"] < whole["sent"] / 100
    assert part["config_digest"] != whole["config_digest"]
    assert same(answered(tag, model), expected(fixture_models / "named-tensors"))
