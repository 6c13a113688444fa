"""A lock that the model brings itself is honoured, and nothing of the model is run for it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envbuild.errors import LockFileError, ResolveError
from envbuild.progress import Progress
from envbuild.resolver.uv import clean_environment, find_uv
from envbuild.servers.types import ServerPackage

Make = Callable[..., Any]
PROJECT = """
[project]
name = "forest"
version = "1"
requires-python = ">=3.9"
dependencies = ["alpha", "gamma", "delta; sys_platform == 'win32'"]

[build-system]
requires = ["setuptools"]
build-backend = "setup"
backend-path = ["."]

[dependency-groups]
dev = ["epsilon"]
"""
EVIL = "import pathlib; pathlib.Path(__file__).with_name('ran').touch(); raise SystemExit(3)\n"


def versions(lock: Any) -> dict[str, str]:
    return {package.name: package.version for package in lock.packages}


class Told(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def model(index: Any, tmp_path: Path) -> Path:
    """A model with a lock of `alpha`, `beta` and `gamma`; of each there is a newer version since."""
    for name in ("beta", "gamma", "delta", "epsilon"):
        index.wheel(name)
    index.wheel("alpha", requires=["beta"])
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT)
    environ = clean_environment(os.environ, tmp_path / "uv")
    subprocess.run([find_uv(), "lock", "--quiet"], cwd=folder, env=environ, check=True)
    (folder / "setup.py").write_text(EVIL)
    index.wheel("alpha", "2.0", requires=["beta"])
    for name in ("beta", "gamma"):
        index.wheel(name, "2.0")
    return folder


def test_its_versions_are_kept_and_the_server_is_chosen_beside_them(
    model: Path, index: Any, env: Make, run: Make, profile: Make
) -> None:
    index.wheel("serve", requires=["gamma>=2"])
    told = Told()
    served = profile(ServerPackage(name="serve", requirement="serve", why="it serves"))
    lock = run(env("alpha", "gamma"), served, progress=told)
    assert versions(lock) == {"alpha": "1.0", "beta": "1.0", "gamma": "2.0", "serve": "1.0"}
    (note,) = told.notes
    assert "uv.lock is honoured for 2 of 3 packages" in note
    assert "gamma is 2.0, not 1.0" in note
    assert not (model / "ran").exists()
    assert note in run(env("alpha", "gamma"), served).notes, "the cached lock says so too"


def test_another_lock_is_another_input(model: Path, env: Make, run: Make) -> None:
    told = Told()
    assert versions(run(env("alpha"), progress=told)) == {"alpha": "1.0", "beta": "1.0"}
    assert told.notes == ["uv.lock is honoured: 2 packages have its versions"]
    (model / "uv.lock").unlink()
    assert versions(run(env("alpha"))) == {"alpha": "2.0", "beta": "2.0"}


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda model: (model / "pyproject.toml").unlink(), "pyproject.toml beside it is missing"),
        (lambda model: (model / "pyproject.toml").write_text("[oops"), "uv.lock is not honoured: .*(?i:toml|parse)"),
    ],
)
def test_why_it_cannot_be_honoured_is_said(model: Path, env: Make, run: Make, break_it: Make, says: str) -> None:
    import re

    break_it(model)
    told = Told()
    assert versions(run(env("alpha"), progress=told)) == {"alpha": "2.0", "beta": "2.0"}
    assert re.search(says, told.notes[0])
    assert str(model.parent) not in told.notes[0]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda text: f"{text}<<<<<<< HEAD\n", r"uv\.lock:\d+: this is no lock of uv: "),
        (lambda text: text[: text.index("[[package]]") + 5], r"uv\.lock:\d+: "),
        (lambda text: "", "uv.lock: .*missing field `version`"),
        (lambda text: text.replace("version = 1\n", "version = 9\n", 1), "uv.lock:1: .*schema v9, .*reads v1"),
        (lambda text: text.replace("version = 1\n", "version = 'x'\n", 1), "uv.lock:1: .*invalid type"),
        (lambda text: "\n\udcff", "uv.lock:2: .*UTF-8"),
    ],
    ids=["conflict", "cut", "empty", "newer", "no number", "no text"],
)
def test_one_that_is_broken_is_an_error_as_any_other_lock(
    model: Path, env: Make, run: Make, broken: Make, says: str
) -> None:
    lock = model / "uv.lock"
    lock.write_text(broken(lock.read_text()), errors="surrogateescape")
    with pytest.raises(LockFileError, match=says) as caught:
        run(env("alpha"))
    assert "remove it from the model's folder" in caught.value.hint
    assert "\n" not in caught.value.message


def test_a_conflict_is_told_though_the_project_has_one_too(model: Path, env: Make, run: Make) -> None:
    for name in ("uv.lock", "pyproject.toml"):
        (model / name).write_text("<<<<<<< HEAD\n")
    with pytest.raises(LockFileError, match=r"uv\.lock:1"):
        run(env("alpha"))


def test_that_uv_was_too_slow_once_holds_for_that_run_alone(
    model: Path, env: Make, run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    with monkeypatch.context() as hurried:
        hurried.setattr("envbuild.resolver.modellock._SECONDS", 0)
        assert versions(run(env("alpha"), progress=told)) == {"alpha": "2.0", "beta": "2.0"}
    assert "uv.lock is not honoured: uv did not read it within" in told.notes[0]
    assert versions(run(env("alpha"))) == {"alpha": "1.0", "beta": "1.0"}


@pytest.fixture
def locked(index: Any, tmp_path: Path) -> Path:
    """A model that was logged with `alpha`, which MLflow had locked with the `beta` and `gamma` that it needs."""
    for version in ("1.0", "2.0"):
        index.wheel("alpha", version, requires=["beta", "gamma"])
        index.wheel("beta", version)
        index.wheel("gamma", version)
    index.wheel("serve", requires=["gamma>=2"])
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "requirements.txt").write_text(
        "# Original requirements\n# alpha<2\n#\n# Locked requirements\nalpha==1.0\n"
    )
    return folder


def test_what_a_lock_added_to_the_requirements_gives_way_to_the_server(
    locked: Path, env: Make, run: Make, profile: Make
) -> None:
    served = profile(ServerPackage(name="serve", requirement="serve", why="it serves"))
    listed = env("alpha==1.0", "beta==1.0", "gamma==1.0")
    told = Told()
    lock = run(listed, served, progress=told)
    assert versions(lock) == {"alpha": "1.0", "beta": "1.0", "gamma": "2.0", "serve": "1.0"}
    (note,) = told.notes
    assert "requirements.txt is honoured for 1 of 2 packages" in note
    assert "gamma is 2.0, not 1.0" in note
    needs_another_alpha = profile(ServerPackage(name="alpha", requirement="alpha>=2", why="it serves"))
    with pytest.raises(ResolveError, match="alpha"):
        run(listed, needs_another_alpha)
    (locked / "requirements.txt").write_text("alpha==1.0\nbeta==1.0\ngamma==1.0\n")
    with pytest.raises(ResolveError, match="gamma"):
        run(listed, served)


def test_requirements_that_were_locked_are_told(locked: Path, env: Make, run: Make) -> None:
    told = Told()
    run(env("alpha==1.0", "gamma==1.0"), progress=told)
    run(env("alpha>=1.0"), progress=told)
    assert told.notes == [
        "requirements.txt is honoured: it was locked when the model was logged, and all of it holds",
        "requirements.txt was locked, and is no lock any more: alpha has no exact version",
    ]
