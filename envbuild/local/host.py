"""The Pythons of this machine: which of a minor version runs, and what wheels it takes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ..records import dataclass

_PATIENCE = 20.0
# What an interpreter says of itself. Its path is that of the Python below a virtual environment.
_PROBE = """
import json, os, platform, sys, sysconfig
try:
    libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
except (AttributeError, OSError, ValueError):
    libc = ""
print(json.dumps({
    "path": os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable),
    "version": "%d.%d.%d" % sys.version_info[:3],
    "usual": sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED"),
    "machine": platform.machine(),
    "glibc": libc[len("glibc "):] if libc.startswith("glibc ") else "",
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A CPython of this machine. `version` is full, `machine` as in a wheel tag, `glibc` empty where there is none."""

    path: str
    version: str
    machine: str
    glibc: str

    @property
    def minor(self) -> str:
        """`3.11` of `3.11.2`."""
        return ".".join(self.version.split(".")[:2])


def find_interpreter(minor: str) -> Interpreter | None:
    """A Python `minor` (`3.11`) that runs here, or None: this one, those on PATH, pyenv's, and those uv has installed.

    Nothing is downloaded.
    """
    tried: set[str] = set()
    for candidate in _candidates(minor):
        if candidate not in tried:
            tried.add(candidate)
            found = probe(candidate)
            if found is not None and found.minor == minor:
                return found
    return None


def running_interpreter() -> Interpreter | None:
    """The Python that this runs in; None if it is no usual CPython."""
    return probe(sys.executable) if sys.executable else None


def probe(path: str) -> Interpreter | None:
    """What the Python at `path` says of itself; None for what does not run, or is not a usual CPython."""
    try:
        done = subprocess.run(
            [path, "-I", "-S", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        said = json.loads(done.stdout)
        usual = said.pop("usual")
        found = Interpreter(**said)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, subprocess.SubprocessError):
        # A version manager's stand-in on PATH may be there and not run, or be something else.
        return None
    return found if usual else None


def _candidates(minor: str) -> Iterator[str]:
    if f"{sys.version_info[0]}.{sys.version_info[1]}" == minor and sys.executable:
        yield sys.executable
    for folder in os.get_exec_path():
        found = shutil.which(f"python{minor}", path=folder)
        if found:
            yield found
    # Who has no home is left with a folder that is not there.
    root = Path(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")) / "versions"  # noqa: PTH111
    yield from map(str, sorted(root.glob(f"{minor}.*/bin/python{minor}"), reverse=True))
    managed = _managed(minor)
    if managed:
        yield managed


def _managed(minor: str) -> str:
    """The Python that uv has installed, empty where there is none: uv stops at the first on PATH that does not run."""
    from ..resolver.uv import find_uv

    command = [find_uv(), "python", "find", "--no-project", "--no-config", "--managed-python", minor]
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""
