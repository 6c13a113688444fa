"""Packages that are for another system than Linux: nothing of them can run in an image."""

from __future__ import annotations

from ..facts import load_json
from ..patterns import pattern
from ..records import dataclass

# Markers that leave Linux out, as conda exports, pip-compile and Poetry write them. Others are taken to hold.
_ELSEWHERE = pattern(
    r"(?:sys_platform|platform_system|os_name)\s*==\s*['\"](?:win32|cygwin|darwin|Windows|Darwin|nt)['\"]"
    r"|(?:sys_platform|platform_system|os_name)\s*!=\s*['\"](?:linux|Linux|posix)['\"]"
)
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


def leaves_linux_out(marker: str) -> bool:
    """Whether a marker is known not to hold on Linux."""
    return " or " not in marker and _ELSEWHERE.search(marker) is not None
