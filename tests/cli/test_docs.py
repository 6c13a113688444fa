"""The pages say what there is."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_rules_is_made_from_the_rules() -> None:
    from envbuild.linter import RULES, pages

    text = pages.markdown([pages.page(rule) for rule in RULES])
    assert (DOCS / "rules.md").read_text() == text, f"a rule has changed: run `{pages.COMMAND}`"
    listed = re.findall(r"^\| \[(EB\d{3}b?)\]\(#([\w-]+)\) \|", text, re.MULTILINE)
    assert [code for code, _ in listed] == sorted(rule.code for rule in RULES)
    heads = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [anchor for _, anchor in listed] == [head.lower().replace(" ", "-") for head in heads]


def test_no_other_page_repeats_the_list_of_rules() -> None:
    """Where a code is named it exists; the list stands on one page."""
    from envbuild.linter import RULES

    codes = {rule.code for rule in RULES}
    readme = DOCS.parent / "README.md"
    for page in (readme, *(page for page in DOCS.glob("*.md") if page.name != "rules.md")):
        named = set(re.findall(r"\bEB\d{3}b?\b", page.read_text()))
        assert named <= codes, page.name
        assert len(named) < len(codes) / 2, f"{page.name} should lead to rules.md"
    assert "(docs/rules.md)" in readme.read_text()
    assert "(rules.md)" in (DOCS / "lint.md").read_text()


def test_every_exit_code_is_documented() -> None:
    from envbuild import errors
    from envbuild.cli.failures import BUG

    page = (DOCS / "errors.md").read_text()
    codes = {c.exit_code for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.EnvbuildError)}
    for code in {*codes, BUG}:
        assert f"| {code} |" in page


@pytest.mark.parametrize("name", ["image", "lint"])
def test_every_option_is_on_the_page_of_its_command(name: str) -> None:
    from envbuild.cli.group import command_line

    command = command_line.get_command(click.Context(command_line), name)
    assert command is not None
    pages = (DOCS / f"{name}.md").read_text() + (DOCS / "index.md").read_text()
    options = [option for parameter in command.params for option in parameter.opts if option.startswith("-")]
    # Either spelling of an option will do, and the two ways to ask for JSON are one.
    missing = [p.opts for p in command.params if p.opts[0].startswith("-") and not any(o in pages for o in p.opts)]
    assert options
    assert missing in ([], [["--output-format"]])


def test_links_between_pages_lead_somewhere() -> None:
    for page in DOCS.glob("*.md"):
        for target, anchor in re.findall(r"\]\((\w+\.md)(?:#([\w-]+))?\)", page.read_text()):
            assert (DOCS / target).exists(), f"{page.name} -> {target}"
            heads = re.findall(r"^#+ (.+)$", (DOCS / target).read_text(), re.MULTILINE)
            assert not anchor or anchor in [head.lower().replace(" ", "-") for head in heads]
