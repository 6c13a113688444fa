"""What a marker of a requirement means for a finding: that it holds for sure, or that it never does."""

from __future__ import annotations

from ..model.markers import holds, image_environment, possible

_SYSTEMS = (
    {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"},
    {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
)


def applies(marker: str, python: str) -> bool:
    """Whether a marker holds in the image for sure; what is not known does not hold. `python` is a minor version."""
    if not marker:
        return True
    if not python or "platform_machine" in marker or "extra" in marker or "platform_release" in marker:
        return False
    return holds(marker, image_environment(f"{python}.0", ""), unknown=False)


def never(marker: str, python: str, platform: str) -> bool:
    """Whether a marker can hold in no image of that Python (`3.11`, empty if unknown) and platform (`linux/amd64`).

    False for a marker that holds on Windows or macOS: it is meant for them.
    """
    environments = possible(marker, python, platform)
    if environments is None:
        return False
    here = list(environments)
    there = [{**environment, **system} for environment in here for system in _SYSTEMS]
    return not any(holds(marker, environment) for environment in (*here, *there))
