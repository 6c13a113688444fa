"""Which requirements carry `--hash`: the reader keeps options as lines of their own, behind what they belong to."""

from __future__ import annotations

from ..model.types import Environment, Span


def hashed(environment: Environment) -> frozenset[Span]:
    """The places of the requirements and constraints that carry a hash, on their line or on one that continues it."""
    hashes = [(line.span, False) for line in environment.lines if line.text.startswith("--hash")]
    if not hashes:
        return frozenset()
    places = [(r.span, True) for r in (*environment.pip, *environment.constraints)]
    found: set[Span] = set()
    last: Span | None = None
    for span, requirement in sorted([*places, *hashes], key=lambda place: _order(place[0])):
        if requirement:
            last = span
        elif last is not None and last.file == span.file:
            found.add(last)
    return frozenset(found)


def _order(span: Span) -> tuple[str, int, int]:
    return span.file, span.line, span.column
