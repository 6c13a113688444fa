"""Images are tried as containers: `test IMAGE`, and `image --test` before the image gets its name."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubling import cache_folder, write_model

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]
TAG = "envbuild-test/tried"
OWN_ID = "fedcba9876543210fedcba9876543210"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {**os.environ, "ENVBUILD_CACHE_DIR": str(cache_folder(tmp_path_factory)), "NO_COLOR": "1"}


@pytest.fixture(scope="module", autouse=True)
def no_tags() -> Iterator[None]:
    yield
    for name in ("good", "bad"):
        subprocess.run(["docker", "rmi", f"{TAG}-{name}"], capture_output=True, check=False)


def run(environment: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "envbuild", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=580)


def engine_says(*arguments: str) -> list[str]:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.fixture(scope="module")
def good(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """An image that was tried before it got its name: the JSON result."""
    model = write_model(tmp_path_factory.mktemp("good") / "model")
    done = run(environment, "image", model, "-t", f"{TAG}-good", "--server", "envbuild", "--test", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_an_image_that_answers_well_gets_its_name(good: dict[str, object]) -> None:
    trial = good["test"]
    assert isinstance(trial, dict)
    assert (trial["passed"], trial["where"], trial["subject"]) == (True, "in a container", f"{TAG}-good:latest")
    results = {check["name"]: check["result"] for check in trial["checks"]}
    assert set(results.values()) == {"passed"}
    assert {"ready", "/score (Azure ML)", "/invocations (MLflow)", "stops gently"} <= set(results)
    assert engine_says("images", "-q", "--no-trunc", f"{TAG}-good") == [good["config_digest"]]
    assert engine_says("images", "-q", "envbuild-trial/*") == []


def test_it_can_be_tried_again_by_its_name(good: dict[str, object], environment: dict[str, str]) -> None:
    before = engine_says("ps", "-aq", "--filter", f"ancestor={TAG}-good")
    done = run(environment, "test", f"{TAG}-good")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "behind the envbuild server in a container" in done.stdout
    assert done.stdout.count("failed") == 0
    assert engine_says("ps", "-aq", "--filter", f"ancestor={TAG}-good") == before
    refused = run(environment, "test", f"docker-daemon:{TAG}-good", "--server", "mlflow")
    assert refused.returncode == 2
    assert "--server is for a model" in refused.stderr


def test_one_that_cannot_load_its_model_gets_no_name_and_no_file(environment: dict[str, str], tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", broken=True)
    # An id of its own: other tests make images of models with the usual one meanwhile.
    written = (model / "MLmodel").read_text()
    own = written.replace("0123456789abcdef0123456789abcdef", OWN_ID)
    assert own != written
    (model / "MLmodel").write_text(own)
    ids = set(engine_says("images", "-aq"))
    for output in ("docker", f"oci-archive={tmp_path}/x.tar"):
        arguments = ("-t", f"{TAG}-bad", "--server", "envbuild", "--output", output, "--test")
        done = run(environment, "image", model, *arguments)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert "failed: ready: the container ended with exit code 3" in done.stderr
        assert "RuntimeError: the weights are gone" in done.stderr
        assert "error: the image was tried and failed, so it got no name: ready\n" in done.stderr
        assert "Traceback" not in done.stderr.replace("  Traceback", "")
    assert engine_says("images", "-q", f"{TAG}-bad") == []
    assert engine_says("images", "-q", "envbuild-trial/*") == []
    assert not (tmp_path / "x.tar").exists()
    described = [
        engine_says("inspect", "--format", "{{.Config.Labels}}", i) for i in set(engine_says("images", "-aq")) - ids
    ]
    assert not any(OWN_ID in " ".join(text) for text in described)


def test_the_same_of_an_image_that_the_engine_built(environment: dict[str, str], tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", broken=True)
    base = ("--backend", "docker", "--wheels", "context", "--build-network", "host", "--builder", "classic")
    done = run(environment, "image", model, "-t", f"{TAG}-bad", "--server", "envbuild", "--test", *base)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "so it got no name: ready" in done.stderr
    assert engine_says("images", "-q", f"{TAG}-bad") == []


@pytest.mark.parametrize(
    "backend",
    [(), ("--backend", "docker", "--wheels", "context", "--build-network", "host", "--builder", "classic")],
    ids=["assemble", "docker"],
)
def test_an_interrupted_trial_leaves_neither_image_nor_container(
    environment: dict[str, str], tmp_path: Path, backend: tuple[str, ...]
) -> None:
    model = write_model(tmp_path / "model", broken=True)
    loader = model / "code" / "doubler.py"
    loader.write_text(loader.read_text().replace('raise RuntimeError("the weights are gone")', "time.sleep(500)"))
    label = f"stopped={tmp_path.name}-{len(backend)}"
    command = [sys.executable, "-m", "envbuild", "image", str(model), "-t", f"{TAG}-bad", "--server", "envbuild"]
    command += ["--test", "--label", label, *backend]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    end = time.monotonic() + 500
    while not engine_says("ps", "-q", "--filter", f"label={label}"):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.splitlines()[-1]) == (130, "interrupted")
    assert engine_says("ps", "-aq", "--filter", f"label={label}") == []
    assert engine_says("images", "-aq", "--filter", f"label={label}") == []


def test_an_image_of_somebody_else_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    tag = "envbuild-test/not-ours:latest"
    imported = ["docker", "import", "-", tag]
    subprocess.run(imported, input=b"\0" * 10240, capture_output=True, check=True)
    try:
        done = run(environment, "test", tag)
    finally:
        subprocess.run(["docker", "rmi", tag], capture_output=True, check=False)
    assert done.returncode == 2
    assert "was not made by envbuild: it has no label dev.envbuild.server" in done.stderr
