"""Whether an environment marker (PEP 508) holds in the image. `packaging` is imported for a marker alone."""

from __future__ import annotations

from collections.abc import Iterator

# What differs from one machine, kernel or build of a base to the next is never known here.
_UNKNOWN = ("platform_release", "platform_version")
_SYSTEMS = (
    {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"},
    {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
)
_MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}


def applies(marker: str, python: str) -> bool:
    """Whether a marker holds in the image for sure; what is not known does not hold. `python` is a minor version."""
    if not marker:
        return True
    if not python or "platform_machine" in marker or "extra" in marker or "platform_release" in marker:
        return False
    return _evaluate(marker, _environment(f"{python}.0", ""))


def never(marker: str, python: str, platform: str) -> bool:
    """Whether a marker can hold in no image of that Python (`3.11`, empty if unknown) and platform (`linux/amd64`).

    False for a marker that holds on Windows or macOS: it is meant for them.
    """
    if not marker or any(name in marker for name in _UNKNOWN) or (not python and _asks_for_python(marker)):
        return False
    machine = _MACHINES.get(platform, "")
    if not machine and "platform_machine" in marker:
        return False
    versions = list(_versions(python, marker))
    here = [_environment(full, machine) for full in versions]
    there = [{**_environment(full, machine), **system} for full in versions for system in _SYSTEMS]
    return not any(_evaluate(marker, environment, unknown=True) for environment in (*here, *there))


def _asks_for_python(marker: str) -> bool:
    return "python_" in marker or "implementation_version" in marker


def _versions(python: str, marker: str) -> Iterator[str]:
    """Patch versions that a base could bring; one of them where the marker does not ask for that."""
    patches = 31 if "full_version" in marker or "implementation_version" in marker else 1
    yield from (f"{python or '3.11'}.{patch}" for patch in range(patches))


def _environment(full: str, machine: str) -> dict[str, str]:
    return {
        "python_version": ".".join(full.split(".")[:2]),
        "python_full_version": full,
        "implementation_name": "cpython",
        "implementation_version": full,
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": machine,
        "platform_version": "",
        "platform_release": "",
        "extra": "",
    }


def _evaluate(marker: str, environment: dict[str, str], *, unknown: bool = False) -> bool:
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

    try:
        return Marker(marker).evaluate(environment)
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName):
        return unknown
