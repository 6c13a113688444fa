"""What the processes of a sandbox take of the machine: memory, processes and disk, counted from outside.

What counts for every user without root is used: neither control groups, which are not everywhere, nor limits of a
single process, which a build of many passes by.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from ...records import dataclass

_PROC = Path("/proc")
# Where a container of which this process is part says how much memory it may have.
_BOUNDS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_SHARE = 3 / 4
_File = tuple[str, int]  # its device as /proc writes it, and its inode
# What one build may leave for whoever counts its files, and removes them.
_ENTRIES = 2_000_000
_DEPTH = 400
UNCOUNTABLE = 1 << 62
"""More bytes than any limit allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process and everything that it started take: `tasks` are processes and threads, `memory` is in bytes."""

    tasks: int
    memory: int


def usage(process: int, most: int) -> Usage:
    """What `process` and all below it take now, as far as it can be counted while it changes.

    Memory that several share counts for each, and that of a file in memory for the file too, which is quick to read;
    where that is more than `most` bytes, it counts once.
    """
    family = _family(process)
    found = [_status(number) for number in family]
    files: dict[_File, int] = {}
    for number in family:
        files |= _files_in_memory(number)
    tasks, own, held = sum(each.tasks for each in found), sum(each.memory for each in found), sum(files.values())
    if own + held > most:
        own = sum(_proportional(number, files) for number in family)
    return Usage(tasks=tasks, memory=own + held)


def tasks_of(user: int) -> int:
    """How many processes and threads a user has now, by the number of the user."""
    found = 0
    for name in os.listdir(_PROC):  # noqa: PTH208 - many of them
        if name.isdecimal():
            with suppress(OSError):
                if os.stat(f"/proc/{name}").st_uid == user:  # noqa: PTH116
                    found += _status(int(name)).tasks
    return found


def share_of_memory(whole: int = 0) -> int:
    """How many bytes of memory one build may take: three quarters of `whole`, by default of what this machine has."""
    if not whole:
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        for place in _BOUNDS:
            with suppress(OSError, ValueError):
                whole = min(whole, int(place.read_text()))
    return int(whole * _SHARE)


def size_of(place: Path) -> int:
    """The bytes below `place`, as far as they can be counted while they change.

    UNCOUNTABLE where folders are too deep or too many, or may not be looked into.
    """
    if not place.is_dir():
        return place.stat().st_size if place.exists() else 0
    total = count = 0
    left = [(str(place), 0)]
    while left:
        folder, depth = left.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    count += 1
                    if entry.is_dir(follow_symlinks=False):
                        left.append((entry.path, depth + 1))
                    else:
                        with suppress(FileNotFoundError):
                            total += entry.stat(follow_symlinks=False).st_size
                    if count > _ENTRIES or depth > _DEPTH:
                        return UNCOUNTABLE
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return UNCOUNTABLE
    return total


def _family(process: int) -> list[int]:
    """The process and all below it: whoever loses its parent in a sandbox gets the sandbox's first process instead."""
    found = [process]
    if (_PROC / f"{process}/task/{process}/children").exists():
        for number in found:  # grows meanwhile
            with suppress(OSError):
                for thread in os.listdir(_PROC / f"{number}/task"):  # noqa: PTH208 - many of them, and often
                    found += map(int, _read(number, f"task/{thread}/children").split())
        return list(dict.fromkeys(found))  # who got another parent meanwhile was met twice
    # Not every kernel tells of children: then everybody is asked for their parent.
    children: dict[int, list[int]] = {}
    for name in os.listdir(_PROC):  # noqa: PTH208 - many of them, and often
        if name.isdecimal():
            # The name in the second place may hold anything; the parent is the second word behind it.
            words = _read(int(name), "stat").rpartition(")")[2].split()
            if len(words) > 1:
                children.setdefault(int(words[1]), []).append(int(name))
    for number in found:
        found += children.get(number, ())
    return found


def _status(number: int) -> Usage:
    """One process; what has ended takes nothing."""
    rows = dict(line.partition(":")[::2] for line in _read(number, "status").splitlines())
    return Usage(tasks=_first(rows.get("Threads", "")), memory=_sum(rows, ("VmRSS", "VmSwap")))


def _files_in_memory(number: int) -> dict[_File, int]:
    """The bytes of the files that are nowhere else and that a process has open, mapped or not."""
    found: dict[_File, int] = {}
    with suppress(OSError):
        for name in os.listdir(f"{_PROC}/{number}/fd"):  # noqa: PTH208 - many of them, and often
            place = f"{_PROC}/{number}/fd/{name}"
            with suppress(OSError):
                if os.readlink(place).startswith("/memfd:"):  # noqa: PTH115
                    status = os.stat(place)  # noqa: PTH116
                    found[f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}", status.st_ino] = (
                        status.st_blocks * 512
                    )
    return found


def _proportional(number: int, files: Collection[_File]) -> int:
    """The memory of one process without `files`, in which its part of what it shares counts.

    Where nobody may look, all of it counts.
    """
    total, counts, seen = 0, True, False
    for line in _read(number, "smaps").splitlines():
        words = line.split()
        if not words[0].endswith(":"):  # a range of addresses, with its device and inode
            counts, seen = (words[3], int(words[4])) not in files, True
        elif counts and words[0] in ("Pss:", "SwapPss:"):
            total += int(words[1]) << 10
    return total if seen else _status(number).memory  # of one that has ended meanwhile, nothing


def _sum(rows: dict[str, str], names: Iterable[str]) -> int:
    return sum(_first(rows.get(name, "")) for name in names) << 10


def _first(text: str) -> int:
    words = text.split()
    return int(words[0]) if words and words[0].isdecimal() else 0


def _read(number: int, file: str) -> str:
    try:
        with open(f"{_PROC}/{number}/{file}", errors="replace") as opened:  # noqa: PTH123 - many of them, and often
            return opened.read()
    except OSError:
        return ""
