"""`envbuild completion SHELL`, and what is offered for values that are no files."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    For bash put `eval "$(envbuild completion bash)"` into ~/.bashrc, for zsh the same with zsh into ~/.zshrc; for fish
    `envbuild completion fish > ~/.config/fish/completions/envbuild.fish`.
    """
    from click.shell_completion import get_completion_class

    from .terminal import say

    found = get_completion_class(shell)
    assert found is not None
    root = ctx.find_root()
    say(found(root.command, {}, "envbuild", "_ENVBUILD_COMPLETE").source().rstrip("\n"))


def rule_codes(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The codes and names of rules that begin so, each with what it finds; of a list with commas its last part."""
    from ..linter.engine import RULES

    before, comma, last = incomplete.rpartition(",")
    start = before + comma
    items = []
    for rule in RULES:
        about = (type(rule).__doc__ or "").strip().split("\n")[0]
        if rule.code.startswith(last.upper()):
            items.append(CompletionItem(start + rule.code, help=f"{rule.name}: {about}"))
        elif last and rule.name.startswith(last.lower()):
            items.append(CompletionItem(start + rule.name, help=f"{rule.code}: {about}"))
    return items
