"""`envbuild dockerfile`: a build context that a person can read, change and build by hand."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from .filled import FilledPath
from .options import image_options, model_argument, quiet_option
from .values import make_options


@click.command("dockerfile")
@model_argument
@click.option(
    "-o",
    "--output-folder",
    "folder",
    required=True,
    metavar="DIR",
    type=FilledPath("the folder to write", path_type=Path),
    help="Folder to write; it may be missing, empty, or an earlier context.",
)
@click.option("--buildkit", is_flag=True, help="Use BuildKit's cache mounts and secrets; the classic builder has none.")
@click.option(
    "--templates",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder whose Dockerfile.j2 replaces blocks.",
)
@click.option(
    "--wheels",
    type=click.Choice(["index", "context"]),
    default="index",
    show_default=True,
    help="Whether the build takes packages from an index, or from the folder.",
)
@click.option("--force", is_flag=True, help="Replace an earlier context even if it was edited.")
@image_options
@quiet_option
def command(
    model: str,
    folder: Path,
    buildkit: bool,
    templates: Path | None,
    wheels: str,
    force: bool,
    quiet: bool,
    **flags: Any,
) -> None:
    """Write a folder with a Dockerfile from which `docker build` makes the image of MODEL.

    Prints the folder on stdout.
    """
    from .display import display
    from .terminal import say, terminal

    options = make_options(backend="docker", templates=templates, wheels=wheels, **flags)
    from .. import api

    with display(terminal(), quiet=quiet) as shown:
        found = api.load(model, options=options, progress=shown)
        api.dockerfile(found, folder, buildkit=buildkit, force=force, options=options, progress=shown)
        if not quiet:
            shown.line()
            shown.line("Next:")
            shown.line(f"  {shown.terminal.style('bold', next_step(folder, buildkit=buildkit))}")
    say(str(folder))


def next_step(folder: Path, *, buildkit: bool) -> str:
    """The command that builds what was written."""
    name = str(folder)
    path = shlex.quote(f"./{name}" if name.startswith("-") else name)
    return f"{'DOCKER_BUILDKIT=1 ' if buildkit else ''}docker build -t NAME {path}"
