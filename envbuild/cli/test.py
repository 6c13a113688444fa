"""`envbuild test`: a model on this machine, or an image as a container, tried from start to stop."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..model import is_address
from .options import json_option, quiet_option, run_options
from .values import make_options, typed

if TYPE_CHECKING:
    from ..local.checks import Trial
    from ..shipping.engine import Engine
    from .display import Display

_DAEMON = "docker-daemon:"
_FILES = ("oci:", "oci-archive:", "docker-archive:")


@click.command("test")
@click.argument("subject", metavar="MODEL|IMAGE", type=click.Path())
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=180.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the server may take until it is ready, and the model to answer.",
)
@run_options
@json_option
@quiet_option
def command(subject: str, timeout: float, as_json: bool, quiet: bool, **flags: Any) -> int:
    """Start MODEL's server on this machine, or IMAGE as a container; ask it all there is to ask, and stop it.

    It sends the model's input example over each protocol and compares with the model's own predict, then requests that
    must be refused. Prints a table on stdout. A model runs its code as you; an image runs as a stranger on a read-only
    root, without capabilities. docker-daemon:NAME is an image even where a folder has that name.
    """
    from .display import display
    from .result import say_json
    from .terminal import say, terminal
    from .trials import lines

    options = make_options(**flags)
    with display(terminal(), quiet=quiet) as shown:
        if _is_model(subject):
            trial = _model(subject, options, shown, timeout)
        else:
            _refuse_options(click.get_current_context(), flags)
            trial = _image(subject, shown, timeout)
    if as_json:
        say_json(trial.as_json())
    else:
        say("\n".join(lines(trial, terminal(sys.stdout))))
    return 0 if trial.passed else 1


def _is_model(subject: str) -> bool:
    if subject.startswith(_FILES):
        raise UsageError(
            f"{subject} is a file: a container is run from an image that an engine has",
            hint="`docker load -i FILE` loads it, or skopeo copy; then name the image",
        )
    if not subject:
        raise UsageError("the name of a model or an image is empty", hint="a variable of the command may not be set")
    return not subject.startswith(_DAEMON) and (is_address(subject) or os.path.lexists(subject))


def _model(subject: str, options: Any, shown: Display, timeout: float) -> Trial:
    from .. import api
    from ..hosting import try_on_host
    from ..local.laying import user

    shown.warn(f"this runs the model's code on this machine, as {user()}: try a model that you trust")
    found = api.load(subject, options=options, progress=shown)
    setup = api.setup(found, options=options, progress=shown)
    return try_on_host(setup, subject, progress=shown, timeout=timeout)


def _image(subject: str, shown: Display, timeout: float) -> Trial:
    from ..hosting import try_image
    from ..shipping.engine import connect

    name = subject.removeprefix(_DAEMON)
    engine = connect(required=subject.startswith(_DAEMON))
    if engine is None:
        raise UsageError(
            f"there is no model folder {name}, and no container engine answers that could have an image of that name",
            hint="name a model folder, or start the engine",
        )
    if not _has(engine, name):
        raise UsageError(
            f"there is no model folder {name}, and {engine.info().title} has no image of that name",
            hint="name a model folder, or build, load or pull the image first",
        )
    return try_image(engine, name, name, progress=shown, timeout=timeout)


def _has(engine: Engine, name: str) -> bool:
    from ..shipping.engine import RefusedError

    try:
        return engine.inspect_image(name) is not None
    except RefusedError:  # what cannot be a name
        return False


def _refuse_options(ctx: click.Context, flags: dict[str, Any]) -> None:
    """What an image is made of was decided when it was built. Raises UsageError for an option that was typed."""
    options = {parameter.name: parameter.opts[0] for parameter in ctx.command.params}
    for name in flags:
        if typed(name):
            raise UsageError(
                f"{options[name]} is for a model, and an image has its own", hint=f"leave {options[name]} out"
            )
