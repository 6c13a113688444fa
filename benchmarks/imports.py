"""What Python's `-X importtime` tells, by module and by package."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass

STANDARD = "(standard library)"
_LINE = re.compile(r"^import time:\s+(\d+) \|\s+(\d+) \|(\s+)(\S+)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One module: seconds of its own, with all that it imports, and how deep it stood (0 for the outermost)."""

    name: str
    own: float
    total: float
    depth: int


def parse(text: str) -> list[Import]:
    """The imports in the order in which they ended; other lines do not count."""
    return [
        Import(name=found[4], own=int(found[1]) / 1e6, total=int(found[2]) / 1e6, depth=(len(found[3]) - 1) // 2)
        for found in _LINE.finditer(text)
    ]


def total(imports: Iterable[Import]) -> float:
    """Seconds of all imports."""
    return sum(item.own for item in imports)


def by_package(imports: Iterable[Import], *, split: str = "") -> list[tuple[str, float, int]]:
    """Packages with their own seconds and number of modules, the costliest first.

    The standard library counts as one; the package `split` is shown by its first subpackages.
    """
    found: dict[str, tuple[float, int]] = {}
    for item in imports:
        parts = item.name.split(".")
        name = STANDARD if parts[0] in sys.stdlib_module_names else parts[0]
        if split and parts[0] == split:
            name = ".".join(parts[:2])
        seconds, count = found.get(name, (0.0, 0))
        found[name] = (seconds + item.own, count + 1)
    return sorted(((name, *value) for name, value in found.items()), key=lambda row: (-row[1], row[0]))


def costliest(imports: Iterable[Import], count: int) -> list[Import]:
    """The modules that take most by themselves."""
    return sorted(imports, key=lambda item: (-item.own, item.name))[:count]


def outermost(imports: Iterable[Import], count: int) -> list[Import]:
    """The modules, of any depth, whose import takes most with all that it pulls in."""
    return sorted(imports, key=lambda item: (-item.total, item.name))[:count]
