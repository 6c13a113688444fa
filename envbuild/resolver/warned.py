"""What uv warns of where it finds a solution, as notes: a version that was yanked, an extra that there is not."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .requirements import Ask

_YANKED = re.compile(r"^warning: `([\w.-]+)==([^`]+)` is yanked", re.MULTILINE)
_NO_EXTRA = re.compile(
    r"^warning: The package `([\w.-]+)(?:==[^`]*)?` does not have an extra named `([^`]+)`", re.MULTILINE
)
_EXTRAS = re.compile(r"[\w.-]+\s*\[([^\]]*)\]")


def warned(said: str, asks: Sequence[Ask]) -> tuple[str, ...]:
    """Notes on what uv `said` beside a lock, with the lines of `asks`, sorted.

    Of an extra that only another package asks for nothing is told: nobody can mend it here.
    """
    notes = set()
    for name, version in _YANKED.findall(said):
        places = {f"{ask.where}: " for ask in asks if ask.name == name} or {""}
        notes |= {f"{place}{name} {version} was yanked by its publisher, and is taken all the same" for place in places}
    for name, extra in _NO_EXTRA.findall(said):
        named = (ask for ask in asks if ask.name == name and _plain(extra) in _extras(ask.text))
        notes |= {f"{ask.where}: {name} has no extra {extra}" for ask in named}
    return tuple(sorted(notes))


def _extras(text: str) -> set[str]:
    found = _EXTRAS.match(text)
    return {_plain(each) for each in found[1].split(",")} if found else set()


def _plain(extra: str) -> str:
    return re.sub(r"[-_.]+", "-", extra.strip()).lower()
