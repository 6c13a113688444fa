"""What an image has that is no package of a channel, and that packages may ask for: `__glibc`, `__cuda`.

All of it is said here, and nothing is looked up on this machine: neither its GPU nor CONDA_OVERRIDE_CUDA counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .extras import extras
from .types import CondaAsk

if TYPE_CHECKING:
    from rattler import GenericVirtualPackage, PackageRecord

_MACHINES = {"linux-64": "x86_64", "linux-aarch64": "aarch64"}
# A kernel that every node has today: packages ask for no newer one.
_LINUX = "5.10"
CUDA = "__cuda"


def virtual_packages(ask: CondaAsk) -> list[GenericVirtualPackage]:
    """Linux, the base's glibc, its kind of processor, and the CUDA that is asked for, if one is."""
    with extras("choosing conda packages"):
        from rattler import GenericVirtualPackage, PackageName, Version
        from rattler.package import BuildString

    has: list[tuple[str, str, Any]] = [
        ("__unix", "0", "0"),
        ("__linux", _LINUX, "0"),
        ("__glibc", ask.glibc, "0"),
        ("__archspec", "1", _MACHINES[ask.subdir]),
        *([(CUDA, ask.cuda, "0")] if ask.cuda else []),
    ]
    return [GenericVirtualPackage(PackageName(name), Version(version), BuildString(b)) for name, version, b in has]


def records_of_base(ask: CondaAsk) -> list[PackageRecord]:
    """The same as packages that others may depend on."""
    from rattler import PackageRecord

    return [PackageRecord(has.name, str(has.version), has.build_string, 0, ask.subdir) for has in virtual_packages(ask)]


def way_to_cuda(ask: CondaAsk) -> str:
    """What to do where something needs a CUDA that is not there."""
    cpu = "ask for the package's CPU build (often NAME=*=cpu*), or leave its pin of a build out"
    if ask.cuda:
        return f"choose another --accelerator than {ask.accelerator}, or {cpu}"
    return (
        f"that is a build for GPUs, and none was asked for: --accelerator names the CUDA that the image is to run on, "
        f"such as --accelerator cuda126; or {cpu}"
    )
