"""The hashes that requirements carry: the reader keeps `--hash` as lines of their own, behind what they belong to."""

from __future__ import annotations

import re

from .types import Environment, Requirement


def hashes_of(environment: Environment) -> list[tuple[Requirement, tuple[str, ...]]]:
    """The requirements and constraints that carry hashes (`sha256:...`), on their line or on one that continues it."""
    hashes = [(line.span, line.text) for line in environment.lines if line.text.startswith("--hash")]
    if not hashes:
        return []
    listed = [(r.span, r) for r in (*environment.pip, *environment.constraints)]
    found: list[tuple[Requirement, list[str]]] = []
    last: Requirement | None = None
    places = [*listed, *hashes]
    for span, what in sorted(places, key=lambda place: (place[0].file, place[0].line, place[0].column)):
        if isinstance(what, Requirement):
            last = what
        elif last is not None and last.span.file == span.file:
            if not found or found[-1][0] is not last:
                found.append((last, []))
            found[-1][1].append(re.sub(r"^--hash(?:\s*=\s*|\s+)?", "", what).strip())
    return [(requirement, tuple(values)) for requirement, values in found]
