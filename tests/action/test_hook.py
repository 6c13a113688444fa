"""The pre-commit hook: what it is offered, and what it says of that."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())


def offered(files: list[str]) -> list[str]:
    """The changed files that pre-commit hands to the hook."""
    return [file for file in files if re.search(HOOK["files"], file)]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("forest", "diabetes"):
        shutil.copytree(ROOT / "fixtures" / "models" / name, tmp_path / "models" / name)
    (tmp_path / "requirements.txt").write_text("mlflow\n")
    return tmp_path


def run(checkout: Path, changed: list[str]) -> tuple[int, str]:
    """The hook on changed files, as pre-commit calls it."""
    program, *words = shlex.split(HOOK["entry"])
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *words, "--select", "EB301,EB302", *offered(changed)],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_hook_has_what_pre_commit_needs() -> None:
    assert {"id", "name", "entry", "language"} <= set(HOOK)
    assert (HOOK["id"], HOOK["language"], HOOK["require_serial"]) == ("envbuild-lint", "python", True)
    scripts = (ROOT / "pyproject.toml").read_text().partition("[project.scripts]")[2]
    assert shlex.split(HOOK["entry"])[0] in scripts


def test_the_hook_is_offered_the_files_of_a_model_that_rules_read() -> None:
    mine = ["MLmodel", "a/MLmodel", "a/conda.yaml", "a/conda.yml", "a b/python_env.yaml", "requirements.txt"]
    assert offered([*mine, "a/model.pkl", "README.md", "xMLmodel", "a/dev-requirements.txt"]) == mine


def test_the_models_of_changed_files_are_linted_each_once(checkout: Path) -> None:
    code, out = run(checkout, ["models/forest/MLmodel", "models/forest/conda.yaml", "models/forest/model.pkl"])
    assert code == 1
    assert out.count("EB301 [error]") == 1
    assert "--> models/forest/conda.yaml:12:5" in out


def test_files_of_no_model_are_passed_over(checkout: Path) -> None:
    assert run(checkout, ["requirements.txt"])[0] == 0
    assert run(checkout, ["requirements.txt", "models/diabetes/requirements.txt"])[0] == 0
    assert run(checkout, ["requirements.txt", "models/forest/requirements.txt"])[0] == 1
