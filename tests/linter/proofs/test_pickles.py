"""Errors on pickles, proven: one environment writes a real pickle, another really fails to load it, a third answers.

`ebNNN.py` beside this file has PICKLED. The rule must find the pickle in the model whose environment fails, and
nothing in the one that answers.
"""

from __future__ import annotations

import importlib
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv
from interpreters import interpreter
from lintcases import CONDA_HEAD, CONDA_TAIL, MLMODEL, Case, findings, write

from envbuild.model import read
from envbuild.model.pickles import scan

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Pickled:
    """A pickle of `value`, an expression behind the lines `before`, by the packages `written` on Python `written_on`.

    An image with `fails_with` ends in what the pattern `fails` says; one with `mended` answers `predict`, an expression
    on `model`. `dumps` pickles.
    """

    written: tuple[str, ...]
    value: str
    fails_with: tuple[str, ...]
    fails: str
    mended: tuple[str, ...]
    before: str = ""
    predict: str = "model"
    dumps: str = "pickle"
    written_on: str = "3.11"
    fails_on: str = "3.11"
    mended_on: str = "3.11"


def pickled() -> list[object]:
    rows = []
    for path in sorted(HERE.glob("eb*.py")):
        code = path.stem.upper()
        for number, row in enumerate(getattr(importlib.import_module(f"proofs.{path.stem}"), "PICKLED", ())):
            rows.append(pytest.param(code, Pickled(**row), id=f"{code}-{number}"))
    return rows


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, tuple[str, ...]], Path]:
    """The Python of an environment with the packages; each is made once."""
    made: dict[tuple[str, tuple[str, ...]], Path] = {}

    def make(minor: str, packages: tuple[str, ...]) -> Path:
        if (minor, packages) not in made:
            venv = tmp_path_factory.mktemp("venv")
            tool = [uv.find_uv_bin(), "--no-config", "--no-progress", "--color", "never"]
            subprocess.run([*tool, "venv", "-q", "--python", str(interpreter(minor)), str(venv)], check=True)
            install = [*tool, "pip", "install", "-q", "--only-binary", ":all:", "--python", str(venv)]
            subprocess.run([*install, *packages], check=True, timeout=600)
            made[minor, packages] = venv / "bin" / "python"
        return made[minor, packages]

    return make


def run(python: Path, folder: Path, program: str) -> tuple[bool, str]:
    """Run the program: whether it went well, and what was said."""
    command = [str(python), "-I", "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode == 0, done.stdout + done.stderr


def model(folder: Path, row: Pickled, packages: tuple[str, ...], minor: str, content: bytes) -> Path:
    conda = CONDA_HEAD.replace("3.11.7", minor) + "".join(f"  - {line}\n" for line in packages) + CONDA_TAIL
    mlmodel = MLMODEL.replace("3.11.7", f"{row.written_on}.1")
    case = Case(files={"MLmodel": mlmodel, "conda.yaml": conda, "model.pkl": content})
    return write(case, folder)


def found(root: Path, code: str) -> list[str]:
    case = Case(pickles=scan(read(root)))
    return [finding.severity for finding in findings(case, root) if finding.code == code]


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize(("code", "row"), pickled())
def test_what_another_environment_pickled_fails_and_the_right_one_loads_it(
    code: str, row: Pickled, tmp_path: Path, environment: Callable[[str, tuple[str, ...]], Path]
) -> None:
    for minor in (row.written_on, row.fails_on, row.mended_on):
        if interpreter(minor) is None:
            pytest.skip(f"there is no Python {minor} here")
    folders = [tmp_path / name for name in ("written", "before", "after")]
    for folder in folders:
        folder.mkdir()
    writing = f"import {row.dumps}\n{row.before}\nopen('model.pkl', 'wb').write({row.dumps}.dumps({row.value}))"
    wrote, said = run(environment(row.written_on, row.written), folders[0], writing)
    assert wrote, said[-3000:]
    content = (folders[0] / "model.pkl").read_bytes()
    for folder, packages, minor, works in (
        (folders[1], row.fails_with, row.fails_on, False),
        (folders[2], row.mended, row.mended_on, True),
    ):
        # `findings` writes the good folder's files over what is not given, so the model is written last.
        root = model(folder / "model", row, packages, minor, content)
        judged = found(root, code)
        (folder / "model.pkl").write_bytes(content)
        loading = f"import pickle\nmodel = pickle.load(open('model.pkl', 'rb'))\n{row.predict}"
        answers, said = run(environment(minor, packages), folder, loading)
        assert answers is works, said[-3000:]
        assert works or re.search(row.fails, " ".join(said.split())), said[-3000:]
        assert judged == ([] if works else ["error"])
