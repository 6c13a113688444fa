"""What was measured of resolving."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from envbuild.records import dataclass

Series = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Where the seconds of one `envbuild lock` went, which was watched: phases may overlap.

    `around` is what Python's start, the first imports and its end took, `uv` what uv took of the resolve, in `calls`
    calls.
    """

    seconds: float
    around: float
    phases: dict[str, float]
    writing: float
    uv: float
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Seconds of both sides' whole processes from the same state of what they keep, in turn.

    `watched` are runs of envbuild's side beside them.
    """

    envbuild: Series
    theirs: Series
    watched: tuple[Watched, ...]

    @property
    def resolve(self) -> Series:
        """Seconds of the phase in which packages are chosen."""
        return tuple(run.phases["resolve"] for run in self.watched)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One environment. `known` are seconds with a lock in the cache and no network; `theirs_packages` of their lock."""

    name: str
    packages: int
    theirs_packages: int
    cold: State
    warm: State
    known: Series
    known_imports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolving:
    """All figures: environments against uv, one against conda-lock.

    `rows` is how many packages the channel has, `roots` how many of them are asked for.
    """

    machine: dict[str, str]
    versions: dict[str, str]
    uv: tuple[Compared, ...]
    conda: Compared
    rows: int
    roots: int

    def as_json(self) -> dict[str, Any]:
        """The figures for machines."""
        return asdict(self)
