"""Whether the packages that were locked for an image run on this machine as they are."""

from __future__ import annotations

from ..resolver.target import Platform
from ..resolver.types import Lock
from .host import Interpreter


def disagreement(lock: Lock, host: Interpreter) -> str:
    """Why the packages of `lock` cannot be installed for that interpreter; empty where all of them can.

    The patch version plays no part: wheels are made for a minor version. Where Python is one of conda's packages,
    `host` tells of the machine alone.
    """
    wanted = ".".join(lock.python.split(".")[:2])
    if not lock.conda and host.minor != wanted:
        return f"the image has Python {wanted}, and this is Python {host.minor}"
    if not lock.platform.endswith(f"_{host.machine}"):
        return f"the image is for {lock.platform.split('_', 3)[-1]}, and this machine is {host.machine}"
    if not host.glibc:
        return "this machine has no glibc"
    from packaging.utils import parse_wheel_filename

    minor = host.glibc.partition(".")[2]
    platform = Platform(python=lock.python if lock.conda else host.version, glibc=int(minor), machine=host.machine)
    runs = frozenset(platform.tags())
    for package in lock.packages:
        if runs.isdisjoint(parse_wheel_filename(package.filename)[3]):
            return f"{package.filename} does not run on this machine's glibc {host.glibc}"
    return _of_conda(lock, host) if lock.conda else ""


def _of_conda(lock: Lock, host: Interpreter) -> str:
    """Why a conda package does not go with this machine's C library; empty where all of them do."""
    from ..resolver.conda.specs import matching
    from ..resolver.conda.types import CondaAsk
    from ..resolver.conda.virtual import records_of_base

    subdir = "linux-aarch64" if host.machine == "aarch64" else "linux-64"
    there = records_of_base(CondaAsk(specs=(), channels=(), subdir=subdir, glibc=host.glibc))
    for package in lock.conda:
        for needed in package.depends:
            if needed.partition(" ")[0] == "__glibc" and not matching(needed, there):
                return (
                    f"conda's {package.name} {package.version} depends on {needed}, and this machine has {host.glibc}"
                )
    return ""
