"""Packages that are for another system than Linux: nothing of them can run in an image."""

from __future__ import annotations

from functools import lru_cache

from ..facts import load_json
from ..patterns import pattern
from ..records import dataclass
from .markers import MACHINES, UNKNOWN, holds, image_environment

# Markers that leave Linux out, as conda exports, pip-compile and Poetry write them. Others are evaluated.
_ELSEWHERE = pattern(
    r"(?:sys_platform|platform_system|os_name)\s*==\s*['\"](?:win32|cygwin|darwin|Windows|Darwin|nt)['\"]"
    r"|(?:sys_platform|platform_system|os_name)\s*!=\s*['\"](?:linux|Linux|posix)['\"]"
)
_VERSION = pattern(r"\b3\.(?P<minor>[0-9]{1,2})(?:\.(?P<patch>[0-9]{1,2}))?\b")
# With more versions in it a marker is not looked into.
_MOST_VERSIONS = 20
_MARKERS = {"Windows": "sys_platform == 'win32'", "macOS": "sys_platform == 'darwin'"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A package of another system. `instead` is what holds the same on Linux, empty for nothing.

    `resolves` tells that it can be installed on Linux all the same.
    """

    system: str
    instead: str = ""
    resolves: bool = False

    @property
    def marker(self) -> str:
        """The marker (PEP 508) that holds on its system alone."""
        return _MARKERS[self.system]


def foreign(name: str) -> Foreign | None:
    """What is known of the package `name` (canonical); None where it is not known to be foreign to Linux."""
    table = load_json("platform_only.json")["packages"]
    row = table.get(name)
    if row is None:
        row = next((row for key, row in table.items() if key[-1] == "*" and name.startswith(key[:-1])), None)
    if row is None:
        return None
    return Foreign(system=row["system"], instead=row.get("instead", ""), resolves=bool(row.get("resolves")))


@lru_cache(maxsize=1024)
def leaves_linux_out(marker: str) -> bool:
    """Whether a marker is known not to hold on Linux, whatever the Python and the machine."""
    if not marker:
        return False
    if " or " not in marker and _ELSEWHERE.search(marker) is not None:
        return True
    versions = {(int(found["minor"]), int(found["patch"] or 0)) for found in _VERSION.finditer(marker)}
    if any(name in marker for name in UNKNOWN) or len(versions) > _MOST_VERSIONS:
        return False
    # What a marker says of Python changes at the versions that it names, and nowhere else.
    pythons = {(11, 0)}
    for minor, patch in versions:
        pythons |= {(max(minor - 1, 0), 99), (minor, 0), (minor, patch), (minor, 99), (minor + 1, 0)}
    machines = MACHINES.values() if "platform_machine" in marker else ("x86_64",)
    environments = (image_environment(f"3.{minor}.{patch}", m) for minor, patch in sorted(pythons) for m in machines)
    return not any(holds(marker, environment) for environment in environments)
