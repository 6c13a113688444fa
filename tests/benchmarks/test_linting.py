"""The linter's part of RESULTS.md."""

from __future__ import annotations

import dataclasses
import json

import pytest

from benchmarks import linting
from benchmarks.errors import BenchError
from benchmarks.imports import Import
from benchmarks.processes import run

FOUND = linting.Linting(
    lint=(0.12, 0.14, 0.13),
    many=(1.5,),
    memory=(21e6,),
    memory_many=(26e6,),
    bare=(0.02,),
    ruff=(0.03,),
    mlflow=(1.3,),
    rules=70,
    loaded=(Import(name="envbuild.linter.engine", own=0.01, total=0.02, depth=0),),
)


def test_every_figure_with_an_aim_is_judged() -> None:
    text = linting.render(FOUND)
    assert text.count("| reached |") == len(linting.AIMS) == len(FOUND.measures())
    assert "0.10 (1 : 10.0)" in text
    slow = dataclasses.replace(FOUND, lint=(0.5,), many=(4.0,), memory=(80e6,))
    assert linting.render(slow).count("**missed**") == len(linting.AIMS)


def test_the_figures_are_json() -> None:
    assert json.loads(json.dumps(FOUND.as_json()))["lint"] == [0.12, 0.14, 0.13]


def test_a_command_may_be_expected_to_find_something() -> None:
    assert run(["sh", "-c", "exit 1"], expected=(0, 1)).seconds > 0
    with pytest.raises(BenchError, match="ended with 2"):
        run(["sh", "-c", "exit 2"], expected=(0, 1))
