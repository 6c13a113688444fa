"""What envbuild aims at when it resolves, and the figures that this is about. The other side is uv, or conda-lock."""

from __future__ import annotations

from ..aims import Aim, Judgement, judge
from ..figures import Measure
from .results import Compared, Resolving, State

UV = 1.3
CONDA = 1 / 3
KNOWN = 0.3


def measures(found: Resolving) -> dict[str, Measure]:
    """The figures by their names: an environment and a state, `known` for the one that needs no network."""
    rows = {}
    for one in (*found.uv, found.conda):
        for state in ("cold", "warm"):
            key = name(one, state)
            rows[key] = _sides(key, f"{one.name}, {state}", getattr(one, state))
        rows[name(one, "known")] = _seconds(name(one, "known"), one.name, one.known)
    return rows


def name(one: Compared, state: str) -> str:
    """The name of a figure."""
    return f"{one.name} {state}"


def aims(found: Resolving) -> tuple[Aim, ...]:
    """The aims, in the order of the figures."""
    rows = []
    for one in (*found.uv, found.conda):
        most, words = (CONDA, "a third of conda-lock's time") if one is found.conda else (UV, f"{UV} times uv's time")
        rows += [Aim(key=name(one, state), kind="ratio", at_most=most, words=words) for state in ("cold", "warm")]
        rows.append(Aim(key=name(one, "known"), kind="value", at_most=KNOWN, words=f"under {KNOWN} s"))
    return tuple(rows)


def judged(found: Resolving) -> dict[str, Judgement]:
    """Every aim by the name of its figure. BenchError if a figure is missing."""
    known = measures(found)
    return {aim.key: judge(aim, [known[aim.key]]) for aim in aims(found)}


def _sides(key: str, title: str, state: State) -> Measure:
    return Measure(key=key, title=title, unit="s", envbuild=state.envbuild, mlflow=state.theirs)


def _seconds(key: str, title: str, values: tuple[float, ...]) -> Measure:
    return Measure(key=key, title=title, unit="s", envbuild=values)
