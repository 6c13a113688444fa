"""`envbuild explain CODE`: the page of a rule."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ..patterns import pattern

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ..linter.pages import Page
    from .terminal import Terminal

_WIDTH = 96
_CODE = pattern(r"`[^`\n]+`")


def _complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from .completion import rule_codes

    return rule_codes(ctx, parameter, incomplete)


@click.command("explain")
@click.argument("code", shell_complete=_complete)
def command(code: str) -> None:
    """Tell what the rule CODE (EB301, or its name) finds, why it matters and what to do."""
    from ..errors import UsageError
    from ..linter import RULES
    from ..linter.pages import page
    from .terminal import say, terminal

    wanted = code.strip()
    for rule in RULES:
        if wanted.upper() == rule.code.upper() or wanted.lower() == rule.name:
            say("\n".join(lines(page(rule), terminal(sys.stdout))))
            return
    from difflib import get_close_matches

    # A person mistypes a code or a name; the nearest code is told either way.
    known = {text: rule.code for rule in RULES for text in (rule.code.lower(), rule.name)}
    read_as = wanted.lower()
    if wanted[2:3].isdecimal():  # a code: letters that look like digits are meant as such
        read_as = wanted[:2].lower() + wanted[2:].lower().replace("o", "0").replace("l", "1")
    near = get_close_matches(read_as, known, n=1)
    raise UsageError(
        f"there is no rule {code!r}",
        hint=f"did you mean {known[near[0]]}?" if near else "`envbuild rules` lists them",
    )


def lines(page: Page, out: Terminal) -> list[str]:
    """The page for a person: title, facts, what it finds, then each section under its title."""
    from ..linter.pages import WHEN

    facts = [page.severity, f"looks at {', '.join(WHEN[stage] for stage in page.stages)}"]
    facts += ["has a fix"] if page.fix else []
    text = [out.style("bold", f"{page.code} {page.name}"), out.style("dim", out.dot.join(facts)), ""]
    text += _filled(page.summary, out, indent="")
    for title, body in page.sections:
        text += ["", out.style("bold", title), *_filled(body[:1].upper() + body[1:], out, indent="  ")]
    return text


def _filled(text: str, out: Terminal, indent: str) -> list[str]:
    """Paragraphs in the width of the terminal; lists and indented examples keep their lines."""
    import textwrap

    width = max(min(out.width, _WIDTH), 20)
    found: list[str] = []
    for number, block in enumerate(text.split("\n\n")):
        found += [""] if number else []
        rows = block.split("\n")
        if any(row.startswith(("    ", "- ", "* ", "|")) for row in rows):
            found += [indent + row for row in rows]
        else:
            words = " ".join(row.strip() for row in rows)
            found += textwrap.wrap(
                words, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
            )
    return [_CODE.sub(lambda match: out.style("cyan", match[0]), row) for row in found]
