"""Running a command: its wall time, CPU time, largest process, and what it wrote."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import sampling
from .errors import BenchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished command. `cpu` is the user and system seconds of it and of all that it waited for.

    `largest` is the peak resident bytes of its largest single process (`ru_maxrss`).
    """

    seconds: float
    cpu: float
    largest: int
    stdout: str
    stderr: str


def environment(**changes: str) -> dict[str, str]:
    """This process's environment with `changes`; bytecode is kept, as it is for a person."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **changes}


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
    started: Callable[[int], None] | None = None,
    expected: Collection[int] = (0,),
) -> Run:
    """Run `command` to its end; `started` gets its process id.

    BenchError with its last lines if it ends with another code than those `expected`.
    """
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.monotonic()
        try:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env or environment(), cwd=folder
            )
        except OSError as error:
            raise BenchError(f"{words[0]} cannot be started: {error.strerror}") from error
        try:
            if started is not None:
                started(process.pid)
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            for pid in sampling.tree(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
            raise
        seconds = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
    if process.returncode not in expected:
        tail = "\n".join(("\n".join(texts)).strip().splitlines()[-25:])
        raise BenchError(f"{' '.join(words[:6])} ... ended with {process.returncode}:\n{tail}")
    return Run(
        seconds=seconds,
        cpu=usage.ru_utime + usage.ru_stime,
        largest=usage.ru_maxrss * 1024,
        stdout=texts[0],
        stderr=texts[1],
    )
