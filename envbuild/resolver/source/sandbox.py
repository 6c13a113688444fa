"""Where foreign code is built: a file system with the base alone, without network, credentials or home.

Two kinds of it: bubblewrap, which needs no root and no engine, and a container of an engine (`envbuild.containing`).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import Protocol

from ...errors import BaseImageError, ResolveError
from ...records import dataclass
from .usage import UNCOUNTABLE, share_of_memory, size_of, tasks_of, usage

# What the build sees of variables, and nothing else. The time is the oldest that an archive of wheels can hold.
ENVIRONMENT: Mapping[str, str] = {
    "HOME": "/tmp/home",
    "LC_ALL": "C.UTF-8",
    "PATH": "/tmp/requires/bin:/usr/local/bin:/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    # What is printed and what is said of an error stay in the order in which they came.
    "PYTHONUNBUFFERED": "1",
    "SOURCE_DATE_EPOCH": "315532800",
    "TMPDIR": "/tmp",
}
# Folders of a base that hold nothing to build with, or that the sandbox has its own of.
_OWN = frozenset({"dev", "given", "home", "media", "mnt", "out", "proc", "root", "run", "srv", "sys", "tmp"})
_ITS_OWN = "bwrap: "  # what bubblewrap says of itself, and not a program in it
_SIGNALS = 128  # the exit code of what a signal ended, less its number
_ENDED = "ended by signal "
_TICK = 0.2
_LOOK = 2.0  # seconds between two looks at how much was written
_KEPT = 1 << 16  # bytes of what was said that are read


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one build may take: `seconds`, `disk` in bytes of everything that it writes, `wheel` in bytes.

    `memory` is in bytes, of all of its processes together; `tasks` is how many processes and threads it may have.
    """

    seconds: float = 3600.0
    disk: int = 16 << 30
    wheel: int = 4 << 30
    memory: int = field(default_factory=share_of_memory)
    tasks: int = 4096

    def exceeded(self, *, seconds: float = 0.0, disk: int = 0, memory: int = 0, tasks: int = 0) -> str:
        """Which of them is passed by a build that took so much, for a person; empty where none is."""
        if seconds > self.seconds:
            return f"it took longer than {self.seconds:.0f} seconds"
        if memory > self.memory:
            return f"it took more than {self.memory >> 20} MiB of memory"
        if tasks > self.tasks:
            return f"it started more than {self.tasks} processes and threads"
        if disk == UNCOUNTABLE:
            return "it made more folders and files, or deeper ones, than can be counted"
        return f"it wrote more than {self.disk >> 20} MiB" if disk > self.disk else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a build ended. `said` is the end of its output; `why` is why it was stopped, empty where it was not."""

    code: int
    said: str = ""
    why: str = ""


class Sandbox(Protocol):
    """One kind of sandbox, of one base."""

    @property
    def title(self) -> str:
        """What it is, for a person: `bubblewrap`."""
        ...

    def run(self, python: str, given: Path, out: Path, limits: Limits, tick: Callable[[], object]) -> Ended:
        """Run `/given/worker.py` with the base's `python`; what it leaves in /out is in the empty folder `out` then.

        `given` cannot be written. What comes back is as foreign as what made it: links are links. `tick` is called
        meanwhile, and ends the build if it raises.
        """
        ...


class Bubblewrap:
    """A sandbox by `bwrap`: namespaces of its own, the folder `root` as its system, nothing of this machine besides."""

    title = "bubblewrap"

    def __init__(self, program: str, root: Path) -> None:
        self._program = program
        self._root = root

    def command(self, binds: Sequence[str]) -> list[str]:
        """The command line up to the program that runs inside, with further options `binds`. Raises BaseImageError."""
        try:
            system = tuple(_system(self._root))
        except OSError as error:
            raise BaseImageError(
                f"the base that was unpacked at {self._root} cannot be read: {error.strerror or error}",
                hint="remove that folder: it is made anew",
            ) from error
        return [
            *(self._program, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
            *("--hostname", "sandbox", "--clearenv"),
            *(part for name, value in ENVIRONMENT.items() for part in ("--setenv", name, value)),
            *("--tmpfs", "/", *system, "--proc", "/proc", "--dev", "/dev"),
            # What is under /dev lies in memory, which nobody counts.
            *(*binds, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"),
            "--",
        ]

    def problem(self, python: str) -> str:
        """Why the base's `python` does not start in it on this machine, in its own words; empty where it does."""
        try:
            command = [*self.command(()), python, "-I", "-S", "-c", ""]
            done = subprocess.run(command, capture_output=True, errors="replace", env={}, timeout=30, check=False)
        except BaseImageError as error:
            return error.message
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{_ITS_OWN}{error}"
        if done.returncode < 0 or done.returncode > _SIGNALS:
            return f"{_ENDED}{abs(done.returncode) % _SIGNALS}"
        return "" if done.returncode == 0 else (done.stderr.strip() or f"exit code {done.returncode}")

    def run(self, python: str, given: Path, out: Path, limits: Limits, tick: Callable[[], object]) -> Ended:
        """See `Sandbox`."""
        scratch, shared = out.with_name("scratch"), out.with_name("shared")
        scratch.mkdir()
        shared.mkdir()
        binds = ["--ro-bind", str(given), "/given", "--bind", str(scratch), "/tmp", "--bind", str(out), "/out"]
        binds += ["--bind", str(shared), "/dev/shm"]
        # A wall behind the limit, for between two looks. No kernel counts root's processes, and those before 5.14 count
        # all that a person has.
        wall = str(2 * limits.tasks + tasks_of(os.getuid()))
        command = [*self.command(binds), python, "-I", "-B", "/given/worker.py", wall]
        return _watched(command, out.with_name("said"), (scratch, shared, out), limits, tick)


def find_sandbox(python: str, root: Callable[[bool], Path], others: Callable[[], Sandbox | None]) -> Sandbox:
    """Bubblewrap where it is installed and starts the base's `python`, else what `others` gives.

    `root` gives the base as a folder: the one that was unpacked before, which may have lost files since, or with True
    one that is unpacked anew. Raises ResolveError where there is no sandbox, BaseImageError and StorageError.
    """
    program = shutil.which("bwrap")
    problem = "bubblewrap (bwrap) is not installed"
    hint = "install bubblewrap (`apt install bubblewrap`, `dnf install bubblewrap`), or start Docker or podman"
    if program:
        for anew in (False, True):
            found = Bubblewrap(program, root(anew))
            said = found.problem(python)
            if not said:
                return found
            last = said.splitlines()[-1][:200]
            if said.startswith(_ITS_OWN) and f"execvp {python}" not in said:
                problem = f"bubblewrap does not work here ({last})"
                break
            problem, hint = (
                f"{python} of the base does not start under bubblewrap ({last})",
                "choose another base with --base",
            )
            # Neither is a file that got lost.
            if said.startswith(_ENDED) or python.lstrip("/").partition("/")[0] in _OWN:
                break
    other = others()
    if other is not None:
        return other
    raise ResolveError(
        f"source is built in a sandbox alone, and there is none: {problem}, and no container engine answers", hint=hint
    )


def _system(root: Path) -> Iterable[str]:
    """The base's folders, which cannot be written, and its links, as bubblewrap lays them."""
    for path in sorted(root.iterdir()):
        if path.name in _OWN:
            continue
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), f"/{path.name}")
        elif path.is_dir():
            yield from ("--ro-bind", str(path), f"/{path.name}")


def _watched(
    command: Sequence[str], said: Path, written: Sequence[Path], limits: Limits, tick: Callable[[], object]
) -> Ended:
    """Run `command` until it ends or takes too much. BaseImageError where it cannot be started."""
    started = time.monotonic()
    looked, why = started, ""
    with said.open("w+b") as output:
        try:
            process = subprocess.Popen(
                command,
                env={},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise BaseImageError(f"the sandbox cannot be started: {error.strerror or error}") from error
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_TICK)
                    break
                tick()
                now = time.monotonic()
                taken = usage(process.pid, limits.memory)
                why = limits.exceeded(seconds=now - started, memory=taken.memory, tasks=taken.tasks)
                if not why and now - looked > _LOOK:
                    looked = now
                    why = limits.exceeded(disk=sum(map(size_of, (*written, said))))
                if why:
                    break
        finally:
            # All processes inside end with the first, which bubblewrap itself is the parent of.
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - _KEPT))
        text = output.read().decode("utf-8", "replace")
    return Ended(code=process.returncode, said=text, why=why)
