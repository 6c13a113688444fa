"""Whether an environment marker (PEP 508) holds in an image. `packaging` is imported for a marker alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from ..patterns import pattern

if TYPE_CHECKING:
    from packaging.markers import Marker

# What differs from one machine, kernel or build of a base to the next is never known here.
UNKNOWN = ("platform_release", "platform_version")
MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
# The patch versions of Python that a base could bring.
_PATCHES = 31
_IN_ADDRESS = pattern(r"\s;|;\s")
_IN_PATH = pattern(r";")


def image_environment(python: str, machine: str) -> dict[str, str]:
    """What markers are evaluated in: CPython `python` (full version) on Linux on `machine` (`x86_64`)."""
    return {
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": "linux",
    }


def holds(marker: str, environment: Mapping[str, str], *, unknown: bool = True) -> bool:
    """Whether a marker holds in an environment; `unknown` for one that cannot be evaluated."""
    if not marker:
        return True
    from packaging.markers import InvalidMarker, UndefinedComparison, UndefinedEnvironmentName

    try:
        return _parsed(marker).evaluate({**environment, "extra": ""})
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, RecursionError):
        return unknown


@lru_cache(maxsize=16)
def _parsed(marker: str) -> Marker:
    """The marker, parsed once for all environments that it is tried in."""
    from packaging.markers import Marker

    return Marker(marker)


def may_hold(marker: str, python: str = "", platform: str = "linux/amd64") -> bool:
    """Whether a marker holds in some image of that Python (`3.11`, empty if unknown) and platform.

    What is not known is taken to hold: a marker on the Python where none is told, or on the kernel.
    """
    environments = possible(marker, python, platform)
    return environments is None or any(holds(marker, environment) for environment in environments)


def possible(marker: str, python: str, platform: str) -> Iterator[dict[str, str]] | None:
    """The environments that differ in what a marker asks for; None where too little is known to tell."""
    machine = MACHINES.get(platform, "")
    if not marker or any(name in marker for name in UNKNOWN) or (not machine and "platform_machine" in marker):
        return None
    if not python and ("python_" in marker or "implementation_version" in marker):
        return None
    exact = "full_version" in marker or "implementation_version" in marker
    return (image_environment(f"{python or '3.11'}.{patch}", machine) for patch in range(_PATCHES if exact else 1))


def split_marker(text: str) -> tuple[str, str]:
    """The address or path in front of a marker, and the marker, empty for none; as pip tells them apart.

    In an address a semicolon may be a part of it, so that one with a space beside it is wanted there.
    """
    found = (_IN_ADDRESS if "://" in text else _IN_PATH).search(text)
    if found is None:
        return text.strip(), ""
    return text[: found.start()].strip(), text[found.start() :].strip().removeprefix(";").strip()
