"""Each rule on what triggers it and on a near miss: `cases/ebNNN.py` has TRIGGERS and NEAR_MISSES."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from lintcases import Case, findings, write

from envbuild.linter import RULES
from envbuild.linter.base import BaseRule
from envbuild.linter.fixes import apply
from envbuild.model import read

SECTIONS = ("*What it does*:", "*Why it breaks*:", "*Example*:", "*Use instead*:", "*Source*:")


def cases(kind: str) -> list[object]:
    found = []
    for rule in RULES:
        module = importlib.import_module(f"cases.{rule.code.lower()}")
        found += [pytest.param(rule, case, id=f"{rule.code}-{n}") for n, case in enumerate(getattr(module, kind))]
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_has_cases_and_a_whole_page(rule: BaseRule) -> None:
    module = importlib.import_module(f"cases.{rule.code.lower()}")
    assert module.TRIGGERS
    assert module.NEAR_MISSES
    page = type(rule).__doc__ or ""
    assert [section for section in SECTIONS if section not in page] == []
    assert re.fullmatch("EB[0-9]{3}b?", rule.code)
    assert rule.stages()


@pytest.mark.parametrize(("rule", "case"), cases("TRIGGERS"))
def test_a_rule_finds_what_triggers_it(rule: BaseRule, case: Case, tmp_path: Path) -> None:
    found = [f for f in findings(case, write(case, tmp_path / "model")) if f.code == rule.code]
    assert found
    first = found[0]
    assert first.severity == case.severity
    assert case.says in first.message
    places = tuple(f"{span.file}:{span.line}" for span in first.spans)
    assert not case.at or places == case.at
    assert "\n" not in first.message


@pytest.mark.parametrize(("rule", "case"), cases("NEAR_MISSES"))
def test_a_rule_is_silent_on_a_near_miss(rule: BaseRule, case: Case, tmp_path: Path) -> None:
    assert [f for f in findings(case, write(case, tmp_path / "model")) if f.code == rule.code] == []


@pytest.mark.parametrize(("rule", "case"), cases("TRIGGERS"))
def test_after_its_fix_a_finding_is_gone_and_no_other_has_come(rule: BaseRule, case: Case, tmp_path: Path) -> None:
    """What the lock stage finds is judged on a new lock, so there only the text is looked at."""
    root = write(case, tmp_path / "model")
    before = findings(case, root)
    fixable = [f for f in before if f.code == rule.code and f.edits]
    if not fixable:
        return
    assert apply(read(root), fixable, unsafe=True)
    after = findings(case, root)
    if case.packages is None and not case.explanation:
        assert [f for f in after if f in fixable] == []
        assert sum(f.code == rule.code for f in after) == sum(f.code == rule.code for f in before) - len(fixable)
    assert {f.code for f in after} <= {f.code for f in before}
    again = [f for f in after if f.code == rule.code and f.edits]
    contents = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    if again:
        apply(read(root), again, unsafe=True)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == contents
