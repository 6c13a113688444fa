"""`envbuild serve`: a model behind its server, on this machine."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from .options import json_option, model_argument, quiet_option, run_options
from .values import make_options

if TYPE_CHECKING:
    from ..local.on_host import HostSubject
    from ..local.process import Process
    from .display import Display


@click.command("serve")
@model_argument
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Port to listen on.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on: 127.0.0.1 or ::1 is this machine alone, 0.0.0.0 or :: everybody who can reach it.",
)
@click.option("--workers", type=click.IntRange(1, 1024), metavar="N", help="Processes that hold the model. Default: 1.")
@run_options
@json_option
@quiet_option
def command(
    model: str, port: int, host: str, workers: int | None, as_json: bool, quiet: bool, **flags: Any
) -> int | None:
    """Serve MODEL on this machine, with the packages of its image where they run here.

    It runs the model's code as you. Prints the server's address on stdout as soon as it is ready, and its log on
    stderr. Ctrl-C stops it.
    """
    from ..local.addresses import check_port
    from ..local.laying import user
    from .display import display
    from .terminal import terminal

    address = check_port(host, port)
    options = make_options(**flags)
    from .. import api
    from ..local.on_host import HostSubject
    from ..local.process import running

    with display(terminal(), quiet=quiet) as shown:
        shown.warn(f"this runs the model's code on this machine, as {user()}: serve a model that you trust")
        found = api.load(model, options=options, progress=shown)
        setup = api.setup(found, options=options, progress=shown)
        more = {} if "ENVBUILD_LOG_FORMAT" in os.environ or not sys.stderr.isatty() else {"ENVBUILD_LOG_FORMAT": "text"}
        with running(setup, address, port, workers=workers or 0, more=more, log=_teller(shown)) as process:
            subject = HostSubject(setup, process, str(model))
            _start(subject, shown)
            _show(subject, model=found, shown=shown, host=host, script=setup.script is not None)
            try:
                # Whoever reads the address may have it ended at once.
                _tell(subject, host=host, as_json=as_json)
                process.wait()
            except KeyboardInterrupt:
                return _stop(process, shown)
            raise subject.failure()


def _start(subject: HostSubject, shown: Display) -> None:
    """Wait until the server is ready. Raises ServerError where it ends instead."""
    from ..local.trial import wait_ready
    from ..progress import Summary

    shown.start("start", f"the {subject.server} server")
    if wait_ready(subject, float("inf")):
        raise subject.failure()
    shown.done("start", Summary(detail=subject.where))


def _show(subject: HostSubject, *, model: Any, shown: Display, host: str, script: bool) -> None:
    """Write a request to copy to stderr."""
    from ..local.addresses import LOOPBACK, in_url
    from .next_steps import request

    address, port = subject.address
    # Shells take brackets for a pattern.
    near = "localhost" if address == LOOPBACK else shlex.quote(in_url(address if host == "::" else host))
    shown.line()
    shown.line("Ask it, and stop it with Ctrl-C:")
    shown.line(f"  {shown.terminal.style('bold', request(subject.server, model, port, own_script=script, host=near))}")
    shown.line()


def _tell(subject: HostSubject, *, host: str, as_json: bool) -> None:
    """Write the server's address to stdout."""
    from ..local.addresses import in_url
    from .result import say_json
    from .terminal import say

    url = f"http://{in_url(host)}:{subject.address[1]}"
    if as_json:
        environment = subject.setup.environment
        say_json(
            {
                "url": url,
                "server": subject.server,
                "python": environment.interpreter.version,
                "lock": environment.lock.digest,
                "resolved_anew": environment.anew or None,
            }
        )
    else:
        say(url)


def _stop(process: Process, shown: Display) -> int:
    """Let requests under way finish; the server's exit code, 0 for SIGTERM. A second Ctrl-C ends it at once."""
    shown.verb("Stopping", "requests under way may finish; Ctrl-C again ends it at once")
    try:
        code = process.stop()
    except BaseException:
        process.kill()
        raise
    return 0 if code in (0, -15) else code if code > 0 else 128 - code


def _teller(shown: Display) -> Any:
    from .terminal import printable

    return lambda line: shown.line(printable(line))
