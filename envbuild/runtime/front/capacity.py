"""How many workers the container has room for: WORKER_COUNT=auto.

CPU: the smallest of the cgroup's quota, its cpuset, and the processors that this process may run on. Memory: the
cgroup's limit, else what the system has available. The files of cgroup v1 and v2: kernel.org, admin-guide.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHARE = 0.9
"""How much of the memory workers may fill once they have loaded; the rest is for requests."""
UNLIMITED = 1 << 60
"""Version 1 writes a number near 2**63 where there is no limit."""
CPU_FOLDERS = ("cpu", "cpu,cpuacct", "cpuacct,cpu")


@dataclass(frozen=True)
class Choice:
    """How many workers there should be, and why."""

    workers: int
    why: str


@dataclass(frozen=True)
class Limits:
    """What the container may use. `cpus` are whole or parts of processors, `memory` is in bytes."""

    cpus: float
    cpus_from: str
    memory: int | None
    """None: there is no limit."""


def read_limits(root: Path = Path("/"), affinity: int | None = None) -> Limits:
    """Read the limits of this process from the system's files below `root`; `affinity` is the count of its CPUs."""
    if affinity is None:
        affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cpus, source = float(affinity), "the CPUs that the process may run on"
    for folder in _folders(root, ("", "unified"), ""):
        cpus, source = min((cpus, source), (_quota2(folder), "the cgroup's CPU quota"), key=_first)
        cpus, source = min((cpus, source), (_set(folder / "cpuset.cpus.effective"), "the cgroup's cpuset"), key=_first)
    for folder in _folders(root, CPU_FOLDERS, "cpu"):
        cpus, source = min((cpus, source), (_quota1(folder), "the cgroup's CPU quota"), key=_first)
    for folder in _folders(root, ("cpuset",), "cpuset"):
        cpus, source = min((cpus, source), (_set(folder / "cpuset.cpus"), "the cgroup's cpuset"), key=_first)
    limits = [_number(folder / "memory.max") for folder in _folders(root, ("", "unified"), "")]
    limits += [_number(folder / "memory.limit_in_bytes") for folder in _folders(root, ("memory",), "memory")]
    memory = min((limit for limit in limits if limit is not None and limit < UNLIMITED), default=None)
    return Limits(cpus, source, memory)


def choose(limits: Limits, worker: int, others: int, available: int) -> Choice:
    """Return how many workers of `worker` bytes there should be, one of which runs already.

    `others` is what the container's other processes hold, `available` what the system can still give away, in bytes;
    the latter counts where there is no limit, or where it is less than the limit leaves.
    """
    if not worker:
        return Choice(1, "no figures of the memory that a worker holds")
    cpus = max(1, int(limits.cpus))
    free = int(available * SHARE)
    budget = f"{SHARE:.0%} of {size(available)} that are available"
    if limits.memory is not None and limits.memory * SHARE - worker - others < free:
        free = int(limits.memory * SHARE) - worker - others
        budget = f"{SHARE:.0%} of the limit of {size(limits.memory)}"
    fits = 1 + max(0, free // worker)
    held = f"{limits.cpus:g} CPUs ({limits.cpus_from}), {size(worker)} a worker, of which {budget} hold {fits}"
    return Choice(min(cpus, fits), held)


def memory_of(pid: int, root: Path = Path("/")) -> int:
    """Return the bytes of memory that a process holds, of shared pages its part; 0 if it cannot be read."""
    found: dict[str, int] = {}
    for name in ("smaps_rollup", "status"):
        for line in _text(root / "proc" / str(pid) / name).splitlines():
            key, _, value = line.partition(":")
            if value.strip().endswith(" kB"):
                found.setdefault(key, int(value.split()[0]) * 1024)
    return found.get("Pss") or found.get("Rss") or found.get("VmRSS") or 0


def available_memory(root: Path = Path("/")) -> int:
    """Return MemAvailable in bytes; 0 if it cannot be read."""
    for line in _text(root / "proc" / "meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def size(count: int) -> str:
    """Return a number of bytes in words."""
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.0f} MiB"


def _folders(root: Path, names: tuple[str, ...], controller: str) -> Iterator[Path]:
    """Give the folders of the process's cgroup and of those around it, as far as they can be seen from here."""
    path = ""
    for line in _text(root / "proc" / "self" / "cgroup").splitlines():
        _, controllers, where = line.split(":", 2)
        if controller in controllers.split(","):
            path = where.strip("/")
    for name in names:
        mount = root / "sys" / "fs" / "cgroup" / name
        # A container without a cgroup namespace is told the host's path, and sees its own folder as the mount's root.
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for length in range(len(parts), -1, -1):
            folder = mount.joinpath(*parts[:length])
            if folder.is_dir():
                yield folder


def _quota2(folder: Path) -> float:
    quota, _, period = _text(folder / "cpu.max").strip().partition(" ")
    return _ratio(quota, period or "100000")


def _quota1(folder: Path) -> float:
    return _ratio(_text(folder / "cpu.cfs_quota_us").strip(), _text(folder / "cpu.cfs_period_us").strip())


def _ratio(quota: str, period: str) -> float:
    # "max" and -1 stand for no quota.
    if quota.isdecimal() and period.isdecimal() and int(quota) and int(period):
        return int(quota) / int(period)
    return float("inf")


def _set(file: Path) -> float:
    """Return how many CPUs a list such as `0-3,8` names; infinity for an empty or missing one."""
    count = 0
    for part in _text(file).strip().split(","):
        first, _, last = part.partition("-")
        if first.isdecimal():
            count += int(last or first) - int(first) + 1
    return count or float("inf")


def _number(file: Path) -> int | None:
    text = _text(file).strip()
    return int(text) if text.isdecimal() else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _first(pair: tuple[float, str]) -> float:
    return pair[0]
