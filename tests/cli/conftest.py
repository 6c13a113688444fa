"""Ways to call the command line: in this process, as a process, and on a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PLAIN = ("NO_COLOR", "FORCE_COLOR", "CI", "GITHUB_ACTIONS", "ENVBUILD_DEBUG", "TERM", "COLUMNS")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting of the machine that runs the tests changes how output looks; the cache is a new folder."""
    for name in _PLAIN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ENVBUILD_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def models() -> Path:
    return ROOT / "fixtures" / "models"


@pytest.fixture
def call() -> Iterator[Callable[..., int]]:
    """Run a command line in this process and return its exit code; use capsys for what it prints."""
    from envbuild.cli.main import run

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield lambda *args: run([str(arg) for arg in args])
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command line as a process of its own."""
    running: list[subprocess.Popen[str]] = []

    def begin(*args: object, env: dict[str, str] | None = None, **kwargs: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "envbuild", *map(str, args)],
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **kwargs},  # type: ignore[call-overload]
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def process(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., tuple[int, str, str]]:
    """Run a command line as a process: its exit code, stdout and stderr."""

    def run(*args: object, **kwargs: object) -> tuple[int, str, str]:
        begun = start(*args, **kwargs)
        out, err = begun.communicate(timeout=120)
        return begun.returncode, out, err

    return run


@pytest.fixture
def on_terminal() -> Callable[..., tuple[int, str]]:
    """Run a Python command line on a pseudo-terminal: its exit code and every byte it wrote there."""

    def run(*args: object, env: dict[str, str] | None = None, columns: int = 100) -> tuple[int, str]:
        pid, master = pty.fork()
        if pid == 0:  # pragma: no cover - the child
            full = {
                **os.environ,
                "TERM": "xterm",
                "COLUMNS": str(columns),
                "PYTHONPATH": str(ROOT),
                **(env or {}),
            }
            os.execve(sys.executable, [sys.executable, *map(str, args)], full)
        written = b""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if select.select([master], [], [], 0.5)[0]:
                try:
                    data = os.read(master, 65536)
                except OSError:  # the other end is closed
                    break
                if not data:
                    break
                written += data
        else:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        os.close(master)
        return os.waitstatus_to_exitcode(status), written.decode()

    return run


@pytest.fixture
def screen() -> Callable[[str], list[str]]:
    """What a terminal shows in the end of what was written: colours dropped, redrawn lines gone."""
    step = re.compile(r"\x1b\[([\d;]*)([A-Za-z])|[\r\n]|[^\r\n\x1b]+")

    def show(written: str) -> list[str]:
        lines, row, column = [""], 0, 0
        for found in step.finditer(written):
            text, count, action = found.group(0), found.group(1), found.group(2)
            if action == "A":
                row = max(row - int(count or 1), 0)
            elif action == "J":
                lines[row:] = [lines[row][:column]]
            elif action == "m":
                continue
            elif action:
                raise AssertionError(f"a code that this terminal does not know: {text!r}")
            elif text == "\r":
                column = 0
            elif text == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            else:
                line = lines[row].ljust(column)
                lines[row] = line[:column] + text + line[column + len(text) :]
                column += len(text)
        return lines

    return show
