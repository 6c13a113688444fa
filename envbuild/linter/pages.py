"""The pages of the rules, from their docstrings: for `envbuild explain`, `envbuild rules` and docs/rules.md.

    python -m envbuild.linter.pages docs/rules.md

writes the file anew.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from ..records import dataclass
from .base import BaseRule
from .types import Severity, Stage

COMMAND = "python -m envbuild.linter.pages docs/rules.md"
WHEN: dict[Stage, str] = {"static": "files", "pickle": "pickles", "lock": "lock", "failure": "failed resolution"}
"""What a rule of a stage looks at, in a word."""

_SECTION = re.compile(r"^\*([A-Z][^*\n]+)\*:[ \t]*", re.MULTILINE)
_HEAD = """\
# Rules

What `envbuild lint` finds, and `envbuild image` before it builds. Made from the rules' own words by
`{command}`.

`files` and `pickles` are read without network and without a solver. `lock` needs the chosen packages and the base:
`envbuild lint --resolve`, and every `envbuild image`. A rule on a `failed resolution` explains why there is none. A fix
is applied by `--fix`, or by `--unsafe-fixes` where it may change what the model answers.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a person reads of a rule. `sections` are titles and texts, whose lines are as in the docstring."""

    code: str
    name: str
    severity: Severity
    stages: tuple[Stage, ...]
    fix: bool
    summary: str
    sections: tuple[tuple[str, str], ...]

    @property
    def anchor(self) -> str:
        """Where the rule stands on docs/rules.md: `eb301-server-missing`."""
        return f"{self.code}-{self.name}".lower()


def page(rule: BaseRule) -> Page:
    """The page of a rule."""
    text = inspect.getdoc(type(rule)) or ""
    summary, *rest = _SECTION.split(text)
    return Page(
        code=rule.code,
        name=rule.name,
        severity=rule.severity,
        stages=rule.stages(),
        fix=has_fix(type(rule)),
        summary=summary.strip(),
        sections=tuple((title, body.strip()) for title, body in zip(rest[::2], rest[1::2], strict=True)),
    )


def has_fix(rule: type[BaseRule]) -> bool:
    """Whether the rule's source, or that of what it is made from, gives a finding edits."""
    classes = [each for each in rule.__mro__ if issubclass(each, BaseRule) and each.__module__ != BaseRule.__module__]
    sources = {each.__module__: inspect.getsource(sys.modules[each.__module__]) for each in classes}
    return any("edits=" in source for source in sources.values())


def markdown(pages: Sequence[Page]) -> str:
    """The text of docs/rules.md: a table of all rules, then each page."""
    rows = [
        f"| [{page.code}](#{page.anchor}) | {page.name} | {page.severity} | {_when(page)} "
        f"| {'yes' if page.fix else ''} | {_cell(page.summary)} |"
        for page in pages
    ]
    table = ["| code | name | severity | looks at | fix | finds |", "|---|---|---|---|---|---|", *rows]
    return "\n".join([_HEAD.format(command=COMMAND), *table, "", *(_markdown(page) for page in pages)])


def _markdown(page: Page) -> str:
    facts = f"{page.severity}, looks at {_when(page)}" + (", has a fix" if page.fix else "")
    parts = [f"## {page.code} {page.name}", page.summary, f"({facts})"]
    parts += [f"**{title}**: {text}" for title, text in page.sections]
    return "\n\n".join(parts) + "\n"


def _when(page: Page) -> str:
    return ", ".join(WHEN[stage] for stage in page.stages)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _main(arguments: Sequence[str]) -> None:
    from .engine import RULES

    text = markdown([page(rule) for rule in RULES])
    if arguments:
        Path(arguments[0]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    _main(sys.argv[1:])
