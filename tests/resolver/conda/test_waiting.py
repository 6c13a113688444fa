"""What is awaited of rattler ends: with its answer, with its time, or with whoever waits for it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import tinyconda

pytest.importorskip("rattler", reason="needs the extra `conda`")

from envbuild.aside import Aside
from envbuild.errors import NetworkError
from envbuild.progress import SILENT
from envbuild.resolver.conda import channels
from envbuild.resolver.conda.solving import solve
from envbuild.resolver.conda.types import CondaAsk, CondaSpec
from envbuild.resolver.conda.waiting import finished


def ask_for(address: str) -> CondaAsk:
    python = CondaSpec(name="python", text="python=3.11.7", where="conda.yaml:6")
    return CondaAsk(specs=(python,), channels=(address,), subdir="linux-64", glibc="2.36")


@pytest.fixture
def silent():
    """The address of a server that takes every question and answers none."""
    server = socket.create_server(("127.0.0.1", 0))
    kept = []

    def serve() -> None:
        while True:
            try:
                kept.append(server.accept()[0])
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/channel"
    server.close()


def test_it_works_where_an_event_loop_runs_already(channel: Path, tmp_path: Path) -> None:
    """As in a notebook."""
    tinyconda.make_python(channel)
    ask = ask_for(tinyconda.index(channel))

    async def cell() -> list[str]:
        return [package.name for package in solve(ask, tmp_path / "cache")[0]]

    assert asyncio.run(cell()) == ["python"]


def test_an_error_of_the_coroutine_is_that_of_the_call() -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError("x")

    with pytest.raises(KeyError):
        finished(fails)


def test_whoever_waits_no_longer_has_it_cancelled() -> None:
    ended = threading.Event()

    async def never() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    def tick() -> None:
        raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        finished(never, tick=tick)
    assert ended.wait(5)
    assert time.monotonic() - start < 10


def test_a_channel_that_never_answers_is_given_up(silent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "_SECONDS", 1)
    monkeypatch.setattr(channels, "_RETRIES", 0)
    with pytest.raises(NetworkError, match="could not be reached") as caught:
        solve(ask_for(silent), tmp_path / "cache")
    assert "timed out" in caught.value.message


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_ends_a_run_that_waits_for_a_channel(silent: str, tmp_path: Path, number: signal.Signals) -> None:
    code = (
        "import sys; from envbuild.cli.main import _handle_signals, Interrupted\n"
        "from pathlib import Path\n"
        "from envbuild.resolver.conda.solving import solve\n"
        "from envbuild.resolver.conda.types import CondaAsk, CondaSpec\n"
        "import rattler\n"
        "_handle_signals()\n"
        "spec = CondaSpec(name='python', text='python=3.11.7', where='x')\n"
        f"ask = CondaAsk(specs=(spec,), channels=({silent!r},), subdir='linux-64', glibc='2.36')\n"
        "print('asking', flush=True)\n"
        "try:\n"
        f"    solve(ask, Path({str(tmp_path / 'cache')!r}))\n"
        "except Interrupted as end:\n"
        "    sys.exit(end.exit_code)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(1)
        start = time.monotonic()
        os.kill(process.pid, number)
        try:
            assert process.wait(15) == 128 + number
        finally:
            process.kill()
    assert time.monotonic() - start < 10


def test_work_that_nobody_waits_for_any_more_ends(silent: str, tmp_path: Path) -> None:
    """It is given up at the next thing that it tells: so it tells something while a channel is silent."""
    with Aside[object](SILENT) as aside:
        aside.start(lambda progress: solve(ask_for(silent), tmp_path / "cache", progress))
        time.sleep(0.5)
        start = time.monotonic()
        aside.stop()
    assert time.monotonic() - start < 10
