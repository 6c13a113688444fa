"""The hashes that requirements carry: the reader keeps `--hash` as lines of their own, behind what they belong to."""

from __future__ import annotations

import re

from .types import Environment, Line, Requirement


def hashes_of(environment: Environment) -> list[tuple[Requirement, tuple[str, ...]]]:
    """The requirements and constraints that carry hashes (`sha256:...`), on their line or on one that continues it."""
    hashes = [line for line in environment.lines if line.text.startswith("--hash")]
    if not hashes:
        return []
    found: list[tuple[Requirement, list[str]]] = []
    last: list[tuple[Requirement, list[str]]] = []
    places: list[Requirement | Line] = [*environment.pip, *environment.constraints, *hashes]
    for what in sorted(places, key=lambda place: (place.span.file, place.span.line, place.span.column)):
        if isinstance(what, Requirement):
            # A line that is read as requirement and as constraint stands here twice.
            last = [*(last if last and last[0][0].span == what.span else ()), (what, [])]
        elif last and last[0][0].span.file == what.span.file:
            if not last[0][1]:
                found += last
            for _, values in last:
                values.append(re.sub(r"^--hash(?:\s*=\s*|\s+)?", "", what.text).strip())
    return [(requirement, tuple(values)) for requirement, values in found]
