"""A server to be tried as a process of this machine."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import ServerError
from .addresses import LOOPBACK, free_port, near
from .expected import MARK
from .process import GRACE, Process, Setup, run_code, running
from .refusals import BODY_LIMIT

EXPECTED = (Path(__file__).parent / "expected.py").read_text(encoding="utf-8")
"""The program that says what the model itself answers."""
_CANNOT_LOAD = 3


class HostSubject:
    """A process of this machine; see `trial.Subject`."""

    def __init__(self, setup: Setup, process: Process, name: str) -> None:
        self.setup = setup
        self._process = process
        self.name = name
        self.server = setup.server.name
        python = setup.environment.interpreter.version
        self.where = f"on this machine, Python {python}"
        self.address = (near(process.host), process.port)
        self.model_name = dict(setup.given).get("ENVBUILD_MODEL_NAME") or "model"

    def ended(self) -> str:
        """How it ended, in words; empty while it runs."""
        code = self._process.ended()
        return "" if code is None else f"the server ended with {how(code)}"

    def log(self) -> str:
        """The last lines of its log."""
        return self._process.log()

    def expected(self, seconds: float) -> Mapping[str, Any]:
        """What `expected.py` writes. Raises ServerError."""
        done = run_code(self.setup, EXPECTED, seconds=seconds)
        return read_expected(done.stdout, done.stderr, done.returncode)

    def stop(self) -> tuple[bool, str]:
        """Ask it to stop: whether it ended well and in time, and how it ended."""
        if early := self.ended():
            return False, early
        code = self._process.stop()
        if code == -signal.SIGKILL:
            return False, f"it was killed after {GRACE} seconds"
        # A server that does nothing about SIGTERM is ended by it.
        return code in (0, -signal.SIGTERM), f"it ended with {how(code)}"

    def failure(self) -> ServerError:
        """The error of a server that ended unasked, with the last lines of its log and the server's exit code."""
        code = self._process.ended() or 0
        if code == _CANNOT_LOAD:
            message = "the model cannot be loaded; the server's last words:"
            hint = "the last line names what failed; `envbuild lint MODEL` finds much of it before anything runs"
        else:
            message, hint = f"the server ended with {how(code)}; its last words:", "look at the whole log above"
        log = self.log() or "(none)"
        return ServerError(f"{message}\n{log}", hint=hint, exit_code=128 - code if code < 0 else code or 1)


@contextmanager
def on_host(setup: Setup, name: str) -> Iterator[HostSubject]:
    """Start the server on a free port of the loopback."""
    more = {"ENVBUILD_MAX_BODY": str(BODY_LIMIT), "ENVBUILD_LOG_FORMAT": "text"}
    with running(setup, LOOPBACK, free_port(), more=more) as process:
        yield HostSubject(setup, process, name)


def read_expected(out: str, said: str, code: int) -> Mapping[str, Any]:
    """The object in what `expected.py` wrote. Raises ServerError where there is none."""
    line = next((line for line in reversed(out.splitlines()) if line.startswith(MARK)), MARK)
    try:
        found = json.loads(line.removeprefix(MARK))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        last = said.strip().splitlines()[-1:] or [""]
        raise ServerError(f"the model's own predict ended with {how(code)}: {last[0]}".rstrip(": "))
    return found


def how(code: int) -> str:
    """An exit code in words; negative, or from 129 on, for a signal."""
    number = -code if code < 0 else code - 128
    if code < 0 or code > 128:
        try:
            name = signal.Signals(number).name
        except ValueError:
            return f"exit code {code}"
        return f"signal {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"exit code {code}"
