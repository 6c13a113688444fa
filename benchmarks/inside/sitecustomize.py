"""Runs in each process of a server that is profiled: its CPU time, its imports, and the memory that these bring.

Python imports this file by its name from PYTHONPATH. Each variable names a folder, in which each process has a file of
its own, `main-PID` or `worker-PID`: ENVBUILD_BENCH_SAMPLES for stacks, taken at each tick of the process's CPU time
once the file `go` is there; ENVBUILD_BENCH_IMPORTS for what `-X importtime` writes; ENVBUILD_BENCH_MEMORY for the
resident bytes that each import brought. Stands alone: nothing of the benchmark is there.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = 0.001
_KEEP = 25  # samples after which the file is written anew: a process may be killed


def _name() -> str:
    # The arguments are not there yet; a worker is whose parent has this file's variables, too.
    with open("/proc/self/cmdline", "rb") as file:  # noqa: PTH123 - pathlib is not imported yet
        words = file.read().decode(errors="replace").split("\0")
    worker = any(word.endswith(".worker") or "multiprocessing" in word for word in words)
    return f"{'worker' if worker else 'main'}-{os.getpid()}"


def _write(path: str, content: Any) -> None:
    with open(path + ".part", "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(content, file)
    os.replace(path + ".part", path)  # noqa: PTH105


def _at_end(report: Callable[[], None]) -> None:
    """Call `report` when the process ends, be it like a worker: by os._exit, at which no handler of atexit runs."""
    ending: Any = os
    leave = os._exit

    def last(code: int) -> None:
        report()
        leave(code)

    ending._exit = last
    atexit.register(report)


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
            _write(path, stacks)
        busy = False

    def report() -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        if stacks:
            _write(path, stacks)

    _at_end(report)
    signal.signal(signal.SIGPROF, tick)
    signal.setitimer(signal.ITIMER_PROF, _TICK, _TICK)


def _log(folder: str) -> None:
    """Write what `-X importtime` tells into a file of this process."""
    path = os.path.join(folder, _name() + ".log")  # noqa: PTH118
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, sys.__stderr__.fileno() if sys.__stderr__ else 2)


def _resident() -> int:
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * _PAGE


def _meter(folder: str) -> None:
    """Measure around the import system's own function: whatever the server imports is measured as it does it."""
    start = _resident()
    path = os.path.join(folder, _name() + ".json")  # noqa: PTH118
    own: Counter[str] = Counter()
    inner = [0]
    system: Any = sys.modules["_frozen_importlib"]
    find_and_load = system._find_and_load

    def metered(name: str, import_: Any) -> Any:
        if name in sys.modules:
            return find_and_load(name, import_)
        before = _resident()
        inner.append(0)
        try:
            return find_and_load(name, import_)
        finally:
            grown = _resident() - before
            own[name.partition(".")[0]] += grown - inner.pop()
            inner[-1] += grown

    def report() -> None:
        packages: Counter[str] = Counter()
        for name, size in own.items():
            packages["(standard library)" if name in sys.stdlib_module_names else name] += size
        _write(path, {"start": start, "end": _resident(), "imports": packages})

    system._find_and_load = metered
    _at_end(report)


if os.environ.get("ENVBUILD_BENCH_IMPORTS"):
    _log(os.environ["ENVBUILD_BENCH_IMPORTS"])
if os.environ.get("ENVBUILD_BENCH_SAMPLES"):
    _sample(os.environ["ENVBUILD_BENCH_SAMPLES"])
if os.environ.get("ENVBUILD_BENCH_MEMORY"):
    _meter(os.environ["ENVBUILD_BENCH_MEMORY"])
