"""The processes of the base's interpreter that compile: one a core, each for many groups."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ...errors import EnvbuildError
from .records import head

if TYPE_CHECKING:
    from .compile import Group, Toolchain

_WORKER = Path(__file__).with_name("worker.py")
_CHUNK = 1 << 20
_HINT = "build with `--bytecode off`; the image will start more slowly"


class Processes:
    """Compilers for threads: each thread that asks has a process of its own. A context manager that ends them."""

    def __init__(self, toolchain: Toolchain) -> None:
        self._toolchain = toolchain
        self._own = threading.local()
        self._lock = threading.Lock()
        self._started: list[_Process] = []
        self._stopped = False

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def compile(self, group: Group, sources: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
        """The records of the group's .pyc files, in pieces. EnvbuildError: the interpreter failed."""
        process: _Process | None = getattr(self._own, "process", None)
        if process is None:
            with self._lock:
                if self._stopped:
                    raise EnvbuildError("the compilation was interrupted")
                process = self._own.process = _Process(self._toolchain, group.title)
                self._started.append(process)
        yield from process.compile(group, sources)

    def stop(self) -> None:
        """Kill what runs, and start nothing more."""
        with self._lock:
            self._stopped = True
            for process in self._started:
                process.kill()


class _Process:
    """One process; worker.py tells how it is spoken to."""

    def __init__(self, toolchain: Toolchain, title: str) -> None:
        # In a file, so that a process that says much is never stopped by a full pipe.
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - open until `kill`
        try:
            self._process = subprocess.Popen(
                [*toolchain.command, "-S", "-s", "-B", str(_WORKER), toolchain.tag],
                env=dict(toolchain.environment),
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                start_new_session=True,  # a group of its own, to be killed with its forks
            )
        except OSError as error:
            self._said.close()
            raise EnvbuildError(
                f"the base's Python cannot be started to compile {title}: {error.strerror or error}", hint=_HINT
            ) from error

    def compile(self, group: Group, sources: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
        """Send a group and receive its answer."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        with suppress(BrokenPipeError):  # a process that died says why below
            stdin.write(len(group.paths).to_bytes(4, "little"))
            for path, content in sources:
                stdin.write(head(path, content))
                stdin.write(content)
            stdin.flush()
        size = stdout.read(8)
        left = int.from_bytes(size, "little")
        while left and (piece := stdout.read(min(left, _CHUNK))):
            left -= len(piece)
            yield piece
        if len(size) < 8 or left:
            raise self._failure(group)

    def kill(self) -> None:
        """End it with its forks, and wait for it."""
        with suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._said):
            if stream is not None:
                with suppress(OSError, ValueError):
                    stream.close()

    def _failure(self, group: Group) -> EnvbuildError:
        code = self._process.wait()
        self._said.seek(0)
        lines = self._said.read(_CHUNK).decode("utf-8", "replace").strip().splitlines()
        said = lines[-1] if lines else f"signal {-code}" if code < 0 else f"exit code {code}"
        return EnvbuildError(f"the base's Python could not compile {group.title}: {said}", hint=_HINT)
