"""What the file name of a wheel says of the system that it runs on (PEP 425, PEP 600)."""

from __future__ import annotations

import re

from ..patterns import pattern
from ..records import dataclass

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
# PEP 600: the glibc that each of the old names stands for.
_OLD = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}
_MANYLINUX = pattern(r"manylinux_2_(?P<minor>\d+)_(?P<machine>\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformTag:
    """One platform tag. `system` is `any`, `glibc`, `musl`, `linux` or the beginning of another (`win`, `macosx`).

    `glibc` is the minor version of glibc 2 that it needs, 0 for none.
    """

    text: str
    system: str
    machine: str
    glibc: int = 0


def platform_tags(filename: str) -> tuple[PlatformTag, ...]:
    """The platform tags of a wheel by its file name; none for a name that is no wheel's."""
    parts = filename.removesuffix(".whl").split("-")
    if not filename.endswith(".whl") or len(parts) < 5:
        return ()
    return tuple(_tag(text) for text in parts[-1].split("."))


def machine_of(architecture: str) -> str:
    """`x86_64` of `amd64`, as wheel tags write it."""
    return _MACHINES.get(architecture, architecture)


def _tag(text: str) -> PlatformTag:
    if text == "any":
        return PlatformTag(text=text, system="any", machine="")
    found = _MANYLINUX.fullmatch(text)
    if found:
        return PlatformTag(text=text, system="glibc", machine=found["machine"], glibc=int(found["minor"][:6]))
    name, _, machine = text.partition("_")
    if name in _OLD:
        return PlatformTag(text=text, system="glibc", machine=machine, glibc=_OLD[name])
    if name == "musllinux":
        return PlatformTag(text=text, system="musl", machine=re.sub(r"^\d+_\d+_", "", machine))
    if name == "linux":
        return PlatformTag(text=text, system="linux", machine=machine)
    return PlatformTag(text=text, system=re.sub(r"\d+$", "", name), machine=machine)
