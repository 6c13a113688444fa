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
    last: Requirement | None = None
    places: list[Requirement | Line] = [*environment.pip, *environment.constraints, *hashes]
    for what in sorted(places, key=lambda place: (place.span.file, place.span.line, place.span.column)):
        if isinstance(what, Requirement):
            last = what
        elif last is not None and last.span.file == what.span.file:
            if not found or found[-1][0] is not last:
                found.append((last, []))
            found[-1][1].append(re.sub(r"^--hash(?:\s*=\s*|\s+)?", "", what.text).strip())
    return [(requirement, tuple(values)) for requirement, values in found]
