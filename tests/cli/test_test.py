"""`test`: the table of a model on this machine, its exit code, and what is refused before anything runs."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from doubling import cache_folder, write_model

from envbuild.cli.terminal import Terminal
from envbuild.cli.trials import lines
from envbuild.local.checks import Check, Trial

Process = Callable[..., tuple[int, str, str]]
NOBODY = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


@pytest.fixture
def real_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The environment is made once for all tests that serve."""
    monkeypatch.setenv("ENVBUILD_CACHE_DIR", str(cache_folder(tmp_path_factory)))


@pytest.mark.slow
@pytest.mark.network
def test_a_model_that_answers_well_gives_a_table_of_passed_checks(
    process: Process, real_cache: None, tmp_path: Path
) -> None:
    code, out, err = process("test", write_model(tmp_path / "model"), "--server", "envbuild")
    assert code == 0, out + err
    rows = [line.split(None, 1) for line in out.splitlines() if line.startswith("  ")][1:]
    assert {row[0] for row in rows} == {"passed"}
    told = " ".join(row[1] for row in rows)
    for name in ("ready", "the model's own predict", "/score (Azure ML)", "/invocations (MLflow)", "stops gently"):
        assert name in told
    assert f"checks of {tmp_path}/model behind the envbuild server on this machine, Python 3." in out.splitlines()[-1]
    assert err.startswith("warning: this runs the model's code on this machine, as ")
    assert "\x1b" not in out + err


@pytest.mark.slow
@pytest.mark.network
def test_one_that_cannot_be_loaded_fails_with_the_reason_and_what_to_do(
    process: Process, real_cache: None, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "model", broken=True)
    code, out, err = process("test", model, "--server", "envbuild", "--json")
    document = json.loads(out)
    assert (code, document["passed"]) == (1, False)
    (check,) = document["checks"]
    assert (check["name"], check["result"], check["reason"]) == (
        "ready",
        "failed",
        "the server ended with exit code 3",
    )
    assert "Traceback" not in err
    code, out, _ = process("test", model, "--server", "envbuild")
    assert code == 1
    assert "failed: ready: the server ended with exit code 3" in out
    assert "RuntimeError: the weights are gone" in out


def test_what_is_neither_a_model_nor_an_image(process: Process, tmp_path: Path) -> None:
    code, out, err = process("test", tmp_path / "nothing", env=NOBODY)
    assert (code, out) == (2, "")
    assert err == (
        f"error: there is no model folder {tmp_path}/nothing, and no container engine answers that could have an image "
        "of that name\nhint: name a model folder, or start the engine\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("",), 2, "the name of a model or an image is empty"),
        (("oci-archive:x.tar",), 2, "`docker load -i FILE` loads it"),
        (("docker-daemon:nobody",), 9, "/nowhere/docker.sock"),
        ((".", "--timeout", "0"), 2, "timeout"),
        (("an-image", "--python", "3.11"), 2, "--python is for a model, and an image has its own"),
    ],
)
def test_what_cannot_be_meant_ends_without_a_traceback(
    process: Process, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended, out, err = process("test", *arguments, env=NOBODY, cwd=tmp_path)
    assert (ended, out) == (code, ""), err
    assert said in err
    assert "Traceback" not in err


def test_a_folder_that_is_no_model_is_told_as_one(process: Process, tmp_path: Path) -> None:
    code, out, err = process("test", tmp_path, env=NOBODY)
    assert (code, out) == (1, ""), err
    assert "EB001 [error] there is no MLmodel file in this folder" in err


def test_image_with_test_needs_an_engine_and_says_so_before_any_work(
    process: Process, models: Path, tmp_path: Path
) -> None:
    file = tmp_path / "x.tar"
    arguments = ("--server", "envbuild", "--output", f"oci-archive={file}", "--test")
    code, out, err = process("image", models / "diabetes", *arguments, env={**NOBODY, "DOCKER_CONTEXT": ""})
    assert (code, out) == (9, "")
    assert "--test runs the image as a container, and no container engine answers" in err
    assert "Resolved" not in err
    assert not file.exists()


def test_the_table_tells_all_of_a_failure_and_cannot_steer_a_terminal() -> None:
    trial = Trial(
        subject="m",
        server="envbuild",
        where="in a container",
        checks=(
            Check(name="ready", result="passed", seconds=1.23),
            Check(name="/score", result="failed", reason="one\ntwo \x1b[2J" + "x" * 200, hint="do it"),
            Check(name="/v2", result="skipped", reason="there is none"),
        ),
        log="last words \x1b[31m",
    )
    text = lines(trial, Terminal(stream=io.StringIO(), tty=False, color=False, animate=False, unicode=True))
    assert "\x1b" not in "\n".join(text)
    assert text[1:4] == [
        "  passed   ready   1.2s",
        "  failed   /score  0.0s  one two \\x1b[2J" + "x" * 200,
        "  skipped  /v2           there is none",
    ]
    assert text[5:8] == ["failed: /score: one", "  two \\x1b[2J" + "x" * 200, "hint: do it"]
    assert "  last words \\x1b[31m" in text
    assert text[-1] == "3 checks of m behind the envbuild server in a container: 1 passed, 1 failed, 1 skipped"
    narrow = lines(trial, Terminal(stream=io.StringIO(), tty=False, color=True, animate=False, unicode=True))
    assert narrow[1].startswith("  \x1b[1;32mpassed\x1b[0m")


def test_a_configuration_may_ask_for_it(process: Process, models: Path, tmp_path: Path) -> None:
    file = tmp_path / "envbuild.toml"
    file.write_text("[image]\ntest = true\n[test]\ntimeout = 20\n")
    arguments = ("--server", "envbuild", "--output", f"oci-archive={tmp_path}/x.tar", "--config", file)
    code, _, err = process("image", models / "diabetes", *arguments, env=NOBODY)
    assert code == 9
    assert "sets test" in err
    assert process("image", models / "diabetes", *arguments, "--no-test", "--python", "nonsense", env=NOBODY)[0] == 2
