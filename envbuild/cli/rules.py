"""`envbuild rules`: all rules at a glance."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from .options import json_option

if TYPE_CHECKING:
    from ..linter.pages import Page


@click.command("rules")
@json_option
def command(as_json: bool) -> None:
    """List the rules: code, name, severity, what they look at, whether they have a fix, what they find."""
    from ..linter import RULES
    from ..linter.pages import page
    from .result import say_json
    from .terminal import say

    pages = [page(rule) for rule in RULES]
    if as_json:
        say_json([entry(each) for each in pages])
    else:
        say("\n".join(lines(pages)))


def entry(page: Page) -> dict[str, object]:
    """A rule as a JSON object."""
    return {
        "code": page.code,
        "name": page.name,
        "severity": page.severity,
        "stages": list(page.stages),
        "fix": page.fix,
        "summary": " ".join(page.summary.split()),
    }


def lines(pages: list[Page]) -> list[str]:
    """A table for a person, cut to the terminal."""
    from ..linter.pages import WHEN
    from .terminal import terminal
    from .text import table

    out = terminal(sys.stdout)
    rows = [
        (
            each.code,
            each.name,
            each.severity,
            ", ".join(WHEN[stage] for stage in each.stages),
            "fix" if each.fix else "",
            " ".join(each.summary.split()),
        )
        for each in pages
    ]
    head, *body = table(("code", "name", "severity", "looks at", "fix", "finds"), rows, width=out.width)
    return [out.style("dim", head), *body]
