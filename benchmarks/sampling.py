"""Samples of a process tree while it runs: memory and CPU, by /proc.

The resident sizes of all processes are added, so pages that several share count several times; the proportional
sizes count them once. The engine's daemon is no part of the tree: its CPU time is sampled beside it.
"""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

INTERVAL = 0.02
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_OWN = re.compile(r"\bfrom (envbuild[\w.]*) import\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The tree at `at` (monotonic seconds): bytes, CPU seconds since the start, and its processes by size."""

    at: float
    resident: int
    proportional: int
    cpu: float
    engine_cpu: float
    processes: tuple[tuple[str, int], ...]


@dataclass(slots=True)
class Sampler:
    """Give `start` to `processes.run(started=...)`; `samples` is complete after `stop`."""

    samples: list[Sample] = field(default_factory=list)
    _cpu: dict[int, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self, pid: int) -> None:
        """Sample the tree below `pid` until it ends."""
        engine = daemon()
        self._thread = threading.Thread(target=self._watch, args=(pid, engine), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the sampling."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def peak(self) -> Sample | None:
        """The sample with the most resident memory."""
        return max(self.samples, key=lambda sample: sample.resident, default=None)

    @property
    def peak_proportional(self) -> int:
        """The most bytes with shared pages counted once."""
        return max((sample.proportional for sample in self.samples), default=0)

    def _watch(self, pid: int, engine: int | None) -> None:
        before = cpu_seconds(engine) if engine else 0.0
        while not self._stop.is_set():
            found = tree(pid)
            sizes: list[tuple[str, int]] = []
            proportional = 0
            for process in found:
                resident = _resident(process)
                if resident:
                    sizes.append((_name(process), resident))
                    proportional += proportional_size(process) or resident
                    self._cpu[process] = max(cpu_seconds(process), self._cpu.get(process, 0.0))
            if not sizes and self.samples:
                return
            self.samples.append(
                Sample(
                    at=time.monotonic(),
                    resident=sum(size for _, size in sizes),
                    proportional=proportional,
                    cpu=sum(self._cpu.values()),
                    engine_cpu=cpu_seconds(engine) - before if engine else 0.0,
                    processes=tuple(sorted(sizes, key=lambda item: -item[1])),
                )
            )
            self._stop.wait(INTERVAL)


def tree(pid: int) -> list[int]:
    """`pid` and all processes below it that are there now."""
    found, queue = [], [pid]
    while queue:
        process = queue.pop()
        found.append(process)
        for task in _list(Path(f"/proc/{process}/task")):
            queue += [int(child) for child in _read(task / "children").split()]
    return found


def daemon() -> int | None:
    """The process id of dockerd if it runs on this machine: the one of its pid file, else the only one there is."""
    told = _read(Path("/var/run/docker.pid")).strip()
    if told.isdigit() and _read(Path(f"/proc/{told}/comm")).strip() == "dockerd":
        return int(told)
    found = [
        int(folder.name)
        for folder in _list(Path("/proc"))
        if folder.name.isdigit() and _read(folder / "comm").strip() == "dockerd"
    ]
    return found[0] if len(found) == 1 else None


def _list(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _resident(pid: int) -> int:
    words = _read(Path(f"/proc/{pid}/statm")).split()
    return int(words[1]) * _PAGE if len(words) > 1 else 0


def proportional_size(pid: int) -> int:
    """Bytes of a process, each shared page divided among those that share it; 0 for one that is gone."""
    for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def cpu_seconds(pid: int) -> float:
    """User and system seconds of a process so far; 0.0 for one that is gone."""
    words = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / _TICK if len(words) > 12 else 0.0


def began(pid: int) -> int:
    """When a process began, in ticks since the machine did: with its id it is told from any later one; 0 if gone."""
    words = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return int(words[19]) if len(words) > 19 else 0


def _name(pid: int) -> str:
    """The program, and for an interpreter what it runs; no path and no argument that could hold one."""
    words = [word for word in _read(Path(f"/proc/{pid}/cmdline")).split("\0") if word]
    if not words:
        return "?"
    program = Path(words[0]).name
    if program.startswith("ld-linux"):
        return "the base's own Python"
    if "python" in program:
        if any("multiprocessing" in word for word in words):
            return "python (pool worker)"
        if len(words) > 2 and words[1] == "-m":
            return f"python -m {words[2]}"
        # Code that is given on the command line is told by the module of envbuild's that it runs.
        own = next((found[1] for word in words[1:4] if (found := _OWN.search(word))), "")
        if own:
            return f"python -c {own}"
        scripts = [Path(word).name for word in words[1:3] if not word.startswith("-") and "\n" not in word]
        return f"python {scripts[0][:30]}" if scripts else "python -c"
    return program
