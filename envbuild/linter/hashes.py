"""Which requirements carry `--hash`."""

from __future__ import annotations

from ..model.hashes import hashes_of
from ..model.types import Environment, Span


def hashed(environment: Environment) -> frozenset[Span]:
    """The places of the requirements and constraints that carry a hash, on their line or on one that continues it."""
    return frozenset(requirement.span for requirement, _ in hashes_of(environment))
