"""Whatever the resolver refuses of a model's files, a rule has told before: with the line, and without a network."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from lintcases import Case, conda, findings, write

from envbuild.errors import ResolveError
from envbuild.facts import load_json
from envbuild.model import read
from envbuild.resolver.requirements import collect
from envbuild.resolver.target import Platform
from envbuild.servers import PROFILES

HERE = Platform(python="3.11.7", glibc=36, machine="x86_64")
CODES = ("eb104", "eb501", "eb503", "eb601", "eb602", "eb603", "eb605", "eb606", "eb607", "eb701", "eb702", "eb704")
OPTIONS = (
    *("--pre", "--use-feature=fast-deps", "--hash=sha256:00", "--require-hashes", "--no-index", "--no-binary :all:"),
    *("-f ./wheels", "--trusted-host h", "-e .", "--editable=.", "-r other.txt", "-c other.txt"),
)


def cases() -> list[Case]:
    modules = [importlib.import_module(f"cases.{code}") for code in CODES]
    found = [case for module in modules for case in (*module.TRIGGERS, *module.NEAR_MISSES)]
    found += [Case(files={"conda.yaml": conda(f"numpy {option}", option)}) for option in OPTIONS]
    table = load_json("conda_native.json")
    text = "dependencies:\n- python=3.11.7\n- %s\n- pip:\n  - x\n"
    found += [Case(files={"conda.yaml": text % name}) for name in (*table["carried"], *table["native"], "x", "wheel")]
    return [case for case in found if not case.target and not case.explanation and case.packages is None]


def refused(root: Path) -> str:
    try:
        collect(read(root).environment, PROFILES["azureml"], platform=HERE, model_root=root)
    except ResolveError as error:
        return error.message
    return ""


@pytest.mark.parametrize("case", cases())
def test_nothing_is_refused_that_no_rule_stopped_at(case, tmp_path):
    root = write(case, tmp_path / "model")
    said = refused(root)
    if said:
        lines = {f"{span.file}:{span.line}" for f in findings(case, root) if f.severity == "error" for span in f.spans}
        assert [line for line in lines if line in said], said


def test_these_cases_hold_both_what_is_refused_and_what_is_not(tmp_path):
    verdicts = [bool(refused(write(case, tmp_path / str(n)))) for n, case in enumerate(cases())]
    assert verdicts.count(True) > 50
    assert verdicts.count(False) > 50
