"""`envbuild rules`: the list of all rules, for people and for programs."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from envbuild.linter import RULES
from envbuild.linter.base import BaseRule
from envbuild.linter.pages import has_fix, page

Call = Callable[..., int]


def test_every_rule_has_a_line(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("rules") == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["code", "name", "severity", "looks", "at", "fix", "finds"]
    assert [line.split()[:3] for line in lines] == [[rule.code, rule.name, rule.severity] for rule in RULES]


def test_the_list_for_programs_says_the_same(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("rules", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [entry["code"] for entry in found] == [rule.code for rule in RULES]
    assert {entry["severity"] for entry in found} <= {"error", "warning", "info"}
    entry = next(entry for entry in found if entry["code"] == "EB301")
    assert entry == {
        "code": "EB301",
        "name": "server-missing",
        "severity": "error",
        "stages": ["static"],
        "fix": True,
        "summary": "The chosen server's package is not listed by the model.",
    }


def test_a_terminal_gets_lines_that_fit(on_terminal: Callable[..., tuple[int, str]]) -> None:
    code, written = on_terminal("-m", "envbuild", "rules", columns=80)
    assert code == 0
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in written.splitlines()]
    assert len(lines) == len(RULES) + 1
    assert any(line.endswith("…") for line in lines)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_page_has_its_sections_in_order(rule: BaseRule) -> None:
    found = page(rule)
    assert [title for title, _ in found.sections] == [
        "What it does",
        "Why it breaks",
        "Example",
        "Use instead",
        "Source",
    ]
    assert all(text for _, text in found.sections)
    assert found.summary.endswith((".", "?"))
    assert "\n\n" not in found.summary


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_is_listed_with_a_fix_if_one_of_its_cases_has_one(rule: BaseRule, tmp_path: Path) -> None:
    from lintcases import findings, write

    cases = importlib.import_module(f"cases.{rule.code.lower()}").TRIGGERS
    found = [
        bool(finding.edits)
        for number, case in enumerate(cases)
        for finding in findings(case, write(case, tmp_path / str(number)))
        if finding.code == rule.code
    ]
    assert has_fix(type(rule)) is any(found)
