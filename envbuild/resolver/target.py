"""The platform that packages are chosen for: a base's Python, glibc and architecture, never the host's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ResolveError
from ..model.markers import holds, image_environment
from ..patterns import pattern
from ..records import dataclass

if TYPE_CHECKING:
    from packaging.tags import Tag

_LINUX_TAG = pattern(r"\b((?:many)?linux\w*?)_(x86_64|aarch64)\b")
_GLIBC = pattern(r"1[7-9]|[2-9]\d")  # the minors that wheels are chosen for
_MACHINES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
# The glibc minors that uv can resolve for; `pip compile --help` lists them.
_UV_MINORS = (17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)
# PEP 600: the old names of manylinux tags, and the glibc that each stands for.
_ALIASES = {"x86_64": {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}, "aarch64": {17: "manylinux2014"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A CPython `python` (full version) on Linux with glibc 2.`glibc` on `machine` (`x86_64`, `aarch64`)."""

    python: str
    glibc: int
    machine: str

    @property
    def tag(self) -> str:
        """The newest wheel platform tag that runs there, `manylinux_2_36_x86_64`."""
        return f"manylinux_2_{self.glibc}_{self.machine}"

    @property
    def uv_name(self) -> str:
        """The same for uv's `--python-platform`: the nearest that uv knows, not above."""
        minor = max(known for known in _UV_MINORS if known <= self.glibc)
        return f"{self.machine}-manylinux_2_{minor}"

    @property
    def minor(self) -> str:
        """`3.11` of `3.11.2`."""
        return ".".join(self.python.split(".")[:2])

    def platforms(self) -> list[str]:
        """Every platform tag that runs there, best first."""
        aliases = _ALIASES[self.machine]
        found = []
        for minor in range(self.glibc, min(aliases) - 1, -1):
            found.append(f"manylinux_2_{minor}_{self.machine}")
            if minor in aliases:
                found.append(f"{aliases[minor]}_{self.machine}")
        return [*found, f"linux_{self.machine}"]

    def tags(self) -> list[Tag]:
        """Every wheel tag that runs there, best first."""
        from packaging.tags import compatible_tags, cpython_tags

        version = tuple(int(part) for part in self.minor.split("."))
        name = "cp" + "".join(self.minor.split("."))
        platforms = self.platforms()
        return [
            *cpython_tags(version, abis=[name], platforms=platforms),
            *compatible_tags(version, interpreter=name, platforms=platforms),
        ]

    def markers(self) -> dict[str, str]:
        """The environment that PEP 508 markers are evaluated in there."""
        return image_environment(self.python, self.machine)

    def holds(self, marker: str) -> bool:
        """Whether a marker holds there; one that cannot be evaluated is left to the solver, and holds here."""
        return holds(marker, self.markers())


def platform_with_wheels(tags: str, wanted: str) -> str:
    """The platform (`linux/amd64`) for which one of `tags` is, though none is for the machine of `wanted`; else empty.

    Both are platform tags of wheels, `tags` several in any text: `manylinux1_x86_64, win32`.
    """
    machines = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
    found = {machine for _, machine in _LINUX_TAG.findall(tags)}
    if any(wanted.endswith(machine) for machine in found):
        return ""
    return next((machines[machine] for machine in sorted(found)), "")


def platform_named(tag: str, python: str) -> Platform | None:
    """The platform whose `tag` that is (`manylinux_2_36_x86_64`), with that Python; None for what is no such tag."""
    kind, _, rest = tag.partition("_2_")
    glibc, _, machine = rest.partition("_")
    if kind != "manylinux" or not _GLIBC.fullmatch(glibc) or machine not in _MACHINES.values():
        return None
    return Platform(python=python, glibc=int(glibc), machine=machine)


def platform_of(python: str, glibc: str, architecture: str) -> Platform:
    """The platform of a base. Raises ResolveError for one that wheels cannot be chosen for."""
    machine = _MACHINES.get(architecture, "")
    if not machine:
        raise ResolveError(
            f"packages cannot be chosen for the architecture {architecture!r}",
            hint="use a base for linux/amd64 or linux/arm64",
        )
    major, _, minor = glibc.partition(".")
    if major != "2" or not minor.isdecimal():
        raise ResolveError(
            "the base image has no glibc" if not glibc else f"the base image has an unknown glibc, {glibc!r}",
            hint="use a base with glibc, such as debian:bookworm: most packages publish wheels for glibc alone",
        )
    if int(minor) < min(_UV_MINORS):
        raise ResolveError(
            f"the base image's glibc {glibc} is older than 2.{min(_UV_MINORS)}, which today's wheels need",
            hint="use a newer base, such as debian:bookworm",
        )
    return Platform(python=python, glibc=int(minor), machine=machine)
