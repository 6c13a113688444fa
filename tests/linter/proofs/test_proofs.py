"""Errors on packages, proven: `ebNNN.py` beside this file has PROOFS, and docs/lint-proofs.md says why where it cannot.

Each environment is installed as pip would install it and really fails to start; after envbuild's fix it answers.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from interpreters import interpreter
from proving import Proof, fix, found, model_of, says, start

from envbuild.linter import RULES

HERE = Path(__file__).parent
FAMILIES = ("EB30", "EB4", "EB5", "EB6", "EB8")


def proofs() -> list[object]:
    rows = []
    for path in sorted(HERE.glob("eb*.py")):
        code = path.stem.upper()
        for number, proof in enumerate(importlib.import_module(f"proofs.{path.stem}").PROOFS):
            rows.append(pytest.param(code, proof, id=f"{code}-{number}"))
    return rows


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize(("code", "proof"), proofs())
def test_what_fails_to_start_answers_after_the_fix(code: str, proof: Proof, tmp_path: Path) -> None:
    for minor in {proof.python, proof.mended_python} - {""}:
        if interpreter(minor) is None:
            pytest.skip(f"there is no Python {minor} here")
    root = model_of(proof, tmp_path / "model")
    assert proof.told_by_failure or found(proof, root, code)
    answers, said = start(proof, root, tmp_path / "before")
    assert not answers
    assert says(proof, said), said[-3000:]
    assert not proof.told_by_failure or found(proof, root, code, said)
    fix(proof, root, code)
    assert found(proof, root, code) == []
    answers, said = start(proof, root, tmp_path / "after", proof.mended_python)
    assert answers, said[-3000:]


def test_each_error_on_packages_is_proven_or_says_why_not(repository: Path) -> None:
    page = (repository / "docs" / "lint-proofs.md").read_text()
    excused = dict(re.findall(r"^\| (EB[0-9]{3}) \| (.+) \|$", page, re.MULTILINE))
    proven = {path.stem.upper() for path in HERE.glob("eb*.py")}
    errors = {rule.code for rule in RULES if rule.severity == "error" and rule.code.startswith(FAMILIES)}
    assert sorted(errors - proven - excused.keys()) == []
    assert sorted(proven & excused.keys()) == []
    assert all(len(why) > 20 for why in excused.values())
