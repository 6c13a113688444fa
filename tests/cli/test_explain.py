"""Every rule has a page, and a wrong code is answered with the right ones."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from envbuild.linter import RULES

SECTIONS = ("*What it does*", "*Why it breaks*", "*Example*", "*Use instead*", "*Source*")


def explain(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "envbuild", "explain", code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("code", ["EB301", "eb301", "server-missing"])
def test_a_rule_is_found_by_code_and_by_name(code: str) -> None:
    done = explain(code)
    assert done.returncode == 0
    assert done.stdout.startswith("EB301 server-missing")
    assert "--inject" in done.stdout


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_has_a_whole_page(rule: object) -> None:
    text = type(rule).__doc__ or ""
    assert [section for section in SECTIONS if section not in text] == []


def test_a_terminal_gets_titles_and_lines_that_fit(
    on_terminal: Callable[..., tuple[int, str]],
) -> None:
    code, written = on_terminal("-m", "envbuild", "explain", "EB301", columns=60)
    assert code == 0
    assert "\x1b[1mWhy it breaks\x1b[0m" in written
    assert max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in written.splitlines()) <= 60


def test_a_mistyped_name_is_answered_with_the_code() -> None:
    done = explain("server-mising")
    assert done.returncode == 2
    assert "did you mean EB301?" in done.stderr
    assert "`envbuild rules` lists them" in explain("qqq").stderr


def test_an_unknown_code_is_answered_with_the_nearest() -> None:
    done = explain("EB3O1")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "EB301" in done.stderr
