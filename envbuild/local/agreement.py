"""Whether the packages that were locked for an image run on this machine as they are."""

from __future__ import annotations

from ..resolver.target import Platform
from ..resolver.types import Lock
from .host import Interpreter


def disagreement(lock: Lock, host: Interpreter) -> str:
    """Why the wheels of `lock` cannot be installed for that interpreter; empty where all of them can.

    The patch version plays no part: wheels are made for a minor version.
    """
    wanted = ".".join(lock.python.split(".")[:2])
    if host.minor != wanted:
        return f"the image has Python {wanted}, and this is Python {host.minor}"
    if not lock.platform.endswith(f"_{host.machine}"):
        return f"the image is for {lock.platform.split('_', 3)[-1]}, and this machine is {host.machine}"
    if not host.glibc:
        return "this machine has no glibc"
    from packaging.utils import parse_wheel_filename

    minor = host.glibc.partition(".")[2]
    platform = Platform(python=host.version, glibc=int(minor), machine=host.machine)
    runs = frozenset(platform.tags())
    for package in lock.packages:
        if runs.isdisjoint(parse_wheel_filename(package.filename)[3]):
            return f"{package.filename} does not run on this machine's glibc {host.glibc}"
    return ""
