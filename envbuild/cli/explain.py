"""`envbuild explain CODE`: the page of a rule."""

from __future__ import annotations

import inspect

import click


@click.command("explain")
@click.argument("code")
def command(code: str) -> None:
    """Tell what the rule CODE (EB301, or its name) finds, why it matters and what to do."""
    from ..errors import UsageError
    from ..linter import RULES
    from .terminal import say

    wanted = code.strip()
    for rule in RULES:
        if wanted.upper() == rule.code or wanted.lower() == rule.name:
            say(f"{rule.code} {rule.name}\n\n{inspect.getdoc(type(rule)) or ''}".rstrip())
            return
    from difflib import get_close_matches

    known = [rule.code for rule in RULES]
    near = get_close_matches(wanted.upper(), known, n=1)
    raise UsageError(
        f"there is no rule {code!r}",
        hint=f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}",
    )
