"""Runs in each process of a server that is profiled: where its CPU time goes, and what it imports.

Python imports this file by its name from PYTHONPATH. ENVBUILD_BENCH_SAMPLES names a folder for stacks, taken at each
tick of the process's CPU time once the file `go` is in it; ENVBUILD_BENCH_IMPORTS one for what `-X importtime` writes.
Each process has a file of its own there, `main-PID` or `worker-PID`. Stands alone: nothing of the benchmark is there.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from typing import Any

_TICK = 0.001
_KEEP = 25  # samples after which the file is written anew: a process may end without a last word


def _name() -> str:
    # The arguments are not there yet; a worker is whose parent has this file's variables, too.
    with open("/proc/self/cmdline", "rb") as file:  # noqa: PTH123 - pathlib is not imported yet
        words = file.read().decode(errors="replace").split("\0")
    worker = any(word.endswith(".worker") or "multiprocessing" in word for word in words)
    return f"{'worker' if worker else 'main'}-{os.getpid()}"


def _sample(folder: str) -> None:
    stacks: Counter[str] = Counter()
    path = os.path.join(folder, _name() + ".json")  # noqa: PTH118
    go = os.path.join(folder, "go")  # noqa: PTH118

    busy = False

    def tick(number: int, frame: Any) -> None:
        nonlocal busy
        # The next tick may come before this one is done with.
        if busy or (not stacks and not os.access(go, os.F_OK)):
            return
        busy = True
        found = []
        while frame is not None:
            found.append(f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_qualname}")
            frame = frame.f_back
        stacks[";".join(reversed(found))] += 1
        if not stacks.total() % _KEEP:
            with open(path + ".part", "w", encoding="utf-8") as file:  # noqa: PTH123
                json.dump(stacks, file)
            os.replace(path + ".part", path)  # noqa: PTH105
        busy = False

    signal.signal(signal.SIGPROF, tick)
    signal.setitimer(signal.ITIMER_PROF, _TICK, _TICK)


if os.environ.get("ENVBUILD_BENCH_IMPORTS"):
    _log = os.open(
        os.path.join(os.environ["ENVBUILD_BENCH_IMPORTS"], _name() + ".log"),  # noqa: PTH118
        os.O_WRONLY | os.O_CREAT | os.O_APPEND,
        0o600,
    )
    os.dup2(_log, sys.__stderr__.fileno() if sys.__stderr__ else 2)
if os.environ.get("ENVBUILD_BENCH_SAMPLES"):
    _sample(os.environ["ENVBUILD_BENCH_SAMPLES"])
