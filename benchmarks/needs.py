"""What the machine must have before anything is measured."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from . import engine
from .errors import BenchError
from .processes import run

PORTS = (8080, 8000)
"""Where MLflow's container listens on the host's network: nginx, and uvicorn behind it. It takes no other."""


def check(*, base_archive: Path | None, ports: Sequence[int] = PORTS) -> None:
    """Raise BenchError for what is missing; install debootstrap by apt where root can do that.

    `ports` have to be free.
    """
    for program in ("docker", "gzip", "tar"):
        if shutil.which(program) is None:
            raise BenchError(f"{program} is not installed")
    engine.docker("info", "--format", "{{.ServerVersion}}")
    if base_archive is None or not base_archive.exists():
        _debootstrap()
    if not envbuild().exists():
        raise BenchError(f"there is no envbuild beside {Path(sys.executable).name}: install the project first")
    for port in ports:
        if not free(port):
            raise BenchError(f"port {port} is taken on this machine, and MLflow's container needs it")


def envbuild() -> Path:
    """The command beside this interpreter."""
    return Path(sys.executable).with_name("envbuild")


def free(port: int) -> bool:
    """Whether a loopback port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _debootstrap() -> None:
    if os.geteuid() != 0:
        raise BenchError(
            "debootstrap makes the base of MLflow's image and needs root: run as root, or give one made before "
            "with --base-archive FILE"
        )
    if shutil.which("debootstrap") is not None:
        return
    _install("debootstrap")


def package(name: str) -> None:
    """Install Debian's package `name`, which has a program of that name, if it is not there.

    BenchError where that cannot be done.
    """
    if shutil.which(name) is not None:
        return
    if os.geteuid() != 0:
        raise BenchError(f"{name} is not installed, and only root can install it: it is Debian's package {name}")
    _install(name)


def space(folder: Path, size: int) -> None:
    """BenchError unless `size` bytes are free on the disk of `folder`."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < size:
        raise BenchError(
            f"the disk of temporary files has {free_bytes / 1e9:.1f} GB free, and {size / 1e9:.1f} GB are needed: "
            "make room, or name another disk in TMPDIR"
        )


def _install(name: str) -> None:
    if shutil.which("apt-get") is None:
        raise BenchError(f"{name} is not installed, and there is no apt-get to install it")
    print(f"{name} is not installed: apt-get installs it", file=sys.stderr)
    run(["apt-get", "update", "-q"])
    run(["apt-get", "install", "-y", "-q", "--no-install-recommends", name])
