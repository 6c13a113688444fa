"""The commands, each imported when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from . import config
from .failures import Wrapped

# name -> one line for the overview; `envbuild/cli/<name>.py` holds a click command called `command`.
COMMANDS = {
    "image": "Build the image of a model",
    "serve": "Serve a model on this machine",
    "test": "Try a model or an image: start it, ask it, stop it",
    "dockerfile": "Write a folder that docker build makes the image from",
    "lint": "Find what would break the image, before building anything",
    "plan": "Show what would be built, and why",
    "lock": "Resolve the packages and write them down",
    "inspect": "Show what an image is",
    "diff": "Show what is different between two images, or two locks",
    "rebase": "Put an image on another base without building it",
    "sbom": "Print the bill of materials of an image",
    "verify": "Make an image anew from what it says of itself, and compare",
    "bases": "List the base images",
    "cache": "Look after the cache",
    "rules": "List the rules",
    "explain": "Tell what a rule finds, why it matters and what to do",
    "completion": "Print the completion for a shell",
}


class LazyGroup(click.Group):
    """A group whose commands live in modules of their own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of a person's work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        found = import_module(f".{cmd_name}", __package__).command
        assert isinstance(found, click.Command)
        if cmd_name in config.COMMANDS:
            config.configurable(found, lambda name: self.get_command(ctx, name))
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a suggestion for a mistyped name."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            ask = f" Did you mean {near[0]!r}?" if near else f" There are {', '.join(COMMANDS)}."
            raise click.UsageError(f"no command {args[0]!r}.{ask}", ctx=ctx)
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and name in config.COMMANDS and any(word.startswith("--no-") for word in rest):
            config.add_opposites(command)
        return name, command, rest

    def invoke(self, ctx: click.Context) -> Any:
        """As click does, but signals and errors of the system come through as they are."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, OSError, EOFError) as error:
            raise Wrapped from error


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    from .terminal import say

    try:
        say(f"envbuild {version('envbuild')}")
    except PackageNotFoundError:
        say("envbuild (not installed)")
    ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Documentation: the docs folder. Exit codes: docs/errors.md.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
def command_line() -> None:
    """Turn an MLflow model folder into a serving image, with or without a container engine."""
