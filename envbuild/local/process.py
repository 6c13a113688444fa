"""A server as a process of this machine: started, listened to, stopped gently."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..errors import ServerError
from ..planner import Script
from ..records import dataclass
from ..servers.types import Server
from .environment import Environment
from .laying import inherited, lay, variables, working_folder

GRACE = 30
"""Seconds that requests under way may take after SIGTERM, by the servers' own default."""
_MARGIN = 5
_TAIL = 200
_LAUNCHER = Path(__file__).parent / "launch.py"
# How each server is told how many processes hold the model.
_WORKERS = {"mlflow": "MLFLOW_MODELS_WORKERS"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What is started: the server with the model in the folder `model`, or with a script, in an environment.

    `given` are variables that the person set, which come before all others.
    """

    server: Server
    script: Script | None
    model: Path
    environment: Environment
    given: tuple[tuple[str, str], ...] = ()


class Process:
    """A server that runs. `host`, an IP address, and `port` are where it listens."""

    def __init__(self, popen: subprocess.Popen[bytes], host: str, port: int, log: Callable[[str], object]) -> None:
        self.host, self.port = host, port
        self._popen = popen
        self._log = log
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._reader = threading.Thread(target=self._read, name="log", daemon=True)
        self._reader.start()

    def ended(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._popen.poll()

    def wait(self) -> int:
        """Wait for its end; its exit code."""
        # In turns, so that a signal is heard on every system.
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._popen.wait(timeout=0.5)

    def log(self, lines: int = 15) -> str:
        """The last lines that it wrote."""
        if self.ended() is not None:
            self._reader.join(2.0)
        return "\n".join(list(self._tail)[-lines:])

    def stop(self, grace: float = GRACE) -> int:
        """Ask it to stop and wait for it; its exit code. After `grace` seconds and a few more it is killed."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._popen.wait(timeout=grace + _MARGIN)
        self.kill()
        return self._popen.wait()

    def kill(self) -> None:
        """End it and what it started at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            self._tail.append(text)
            self._log(text)


@contextmanager
def running(
    setup: Setup,
    host: str,
    port: int,
    *,
    workers: int = 0,
    more: Mapping[str, str] | None = None,
    log: Callable[[str], object] = lambda line: None,
) -> Iterator[Process]:
    """Start the server on the IP address `host`; leaving the context stops it and removes what was laid down for it.

    `log` gets each line that it writes, in a thread of its own. `more` are variables behind those of `setup`. Ctrl-C
    does not reach the server: it is asked to stop.
    """
    with laid_down(setup) as (folder, found):
        found |= {"ENVBUILD_HOST": host, "PORT": str(port), **(more or {})}
        if workers:
            found[_WORKERS.get(setup.server.name, "WORKER_COUNT")] = str(workers)
        module = setup.server.command[-1]
        command = [str(setup.environment.python), str(_LAUNCHER), str(os.getpid()), module]
        try:
            popen = subprocess.Popen(
                command,
                cwd=working_folder(folder, setup.server, setup.script),
                env=found,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ServerError(
                f"{setup.environment.python} cannot be started: {error.strerror}",
                hint="`envbuild cache verify` removes an environment whose Python is gone",
            ) from error
        process = Process(popen, host, port, log)
        try:
            yield process
        except BaseException:
            # Whoever is in a hurry asks twice.
            try:
                process.stop()
            except BaseException:
                process.kill()
                raise
            raise
        finally:
            if process.ended() is None:
                process.stop()


@contextmanager
def laid_down(setup: Setup) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with the server's own files, and all variables of a process there. It goes in the end."""
    with tempfile.TemporaryDirectory(prefix="envbuild-run-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        lay(folder, setup.server, setup.script)
        own = variables(folder, setup.server, setup.script, setup.model, setup.environment)
        yield folder, {**inherited(os.environ), **own, **dict(setup.given)}


def run_code(setup: Setup, code: str, *, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run Python `code` where the server runs, and give what it wrote. Raises ServerError after `seconds`."""
    with laid_down(setup) as (folder, found):
        try:
            return subprocess.run(
                [str(setup.environment.python), "-c", code],
                cwd=folder,
                env=found,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ServerError(
                f"the model did not answer within {seconds:.0f} seconds", hint="--timeout gives it longer"
            ) from None
