"""The hashes that requirements carry: the reader keeps `--hash` as lines of their own, behind what they belong to."""

from __future__ import annotations

import re

from .types import Environment, Line, Requirement, Span

_HASH = "--hash"


def hashes_of(environment: Environment) -> list[tuple[Requirement, tuple[str, ...]]]:
    """The requirements and constraints that carry hashes (`sha256:...`), on their line or on one that continues it."""
    return [(owner, values) for owner, values in _owned(environment) if isinstance(owner, Requirement)]


def hashes_of_paths(environment: Environment) -> dict[Span, tuple[str, ...]]:
    """The hashes of lines that are no requirements, as those of paths are, by where the line stands."""
    return {owner.span: values for owner, values in _owned(environment) if isinstance(owner, Line)}


def _owned(environment: Environment) -> list[tuple[Requirement | Line, tuple[str, ...]]]:
    lines = [line for line in environment.lines if line.text.startswith(_HASH) or not line.text.startswith("-")]
    if not any(line.text.startswith(_HASH) for line in lines):
        return []
    found: list[tuple[Requirement | Line, list[str]]] = []
    last: list[tuple[Requirement | Line, list[str]]] = []
    places: list[Requirement | Line] = [*environment.pip, *environment.constraints, *lines]
    for what in sorted(places, key=lambda place: (place.span.file, place.span.line, place.span.column)):
        if isinstance(what, Requirement) or not what.text.startswith(_HASH):
            # A line that is read as requirement and as constraint stands here twice.
            last = [*(last if last and last[0][0].span == what.span else ()), (what, [])]
        elif last and last[0][0].span.file == what.span.file:
            if not last[0][1]:
                found += last
            for _, values in last:
                values.append(re.sub(r"^--hash(?:\s*=\s*|\s+)?", "", what.text).strip())
    return [(owner, tuple(values)) for owner, values in found]
