"""The best version of the Azure ML server that a solver accepts beside what the model asks for.

The table of the ladder leaves out what the model's own pins forbid. What only a solver can know is asked in few steps:
whoever accepts a version as the oldest one accepts an older one too, so the steps halve what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..records import dataclass
from .explain import blockers, is_conflict
from .guards import is_before
from .ladder import FLOOR, SERVER, Obstacle, Rung, obstacle, rungs
from .requirements import Ask, Inputs
from .target import Platform

if TYPE_CHECKING:
    from .uv import Answer

Solve = Callable[[Inputs], "tuple[Answer, Inputs]"]
_WHERE = "the older version of the server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Climbed:
    """The answer with the best version of the server, the inputs that it is to, and what is to be said about it.

    `dead_end` tells why no version goes, where the pins alone show it.
    """

    answer: Answer
    inputs: Inputs
    notes: tuple[str, ...] = ()
    dead_end: str = ""


def climb(inputs: Inputs, platform: Platform, solve: Solve, version_in: Callable[[Answer], str]) -> Climbed:
    """Solve `inputs` with the newest server that goes. `version_in` reads the server's version from an answer.

    `solve` gives up soft constraints where it has to, and says so itself. It is asked once where nothing is in the way.
    """
    pins = _pins(inputs, platform)
    specifiers = {name: specifier for name, (specifier, _) in pins.items()}
    against = {rung.version: obstacle(rung, specifiers, python=platform.python, solver=True) for rung in rungs()}
    fitting = [rung for rung in rungs() if against[rung.version] is None]
    if not fitting:
        # The floor stands among the constraints, so the solver finds nothing either, unless it knows a newer version.
        answer, solved = solve(inputs)
        newest = rungs()[0]
        why = _why(newest, against[newest.version], pins)
        return Climbed(answer=answer, inputs=solved, dead_end=f"no {FLOOR} goes with the pins: {why}")
    answer, solved = solve(_with(inputs, fitting[0]))
    chosen = fitting[0]
    refusals: dict[str, Answer] = {}
    if not answer.solved:
        if not is_conflict(answer):
            return Climbed(answer=answer, inputs=solved)
        refusals[chosen.version] = answer
        plain, without = solve(inputs)
        if not plain.solved:
            return Climbed(answer=plain, inputs=without)
        chosen, answer, solved = _highest(inputs, fitting[1:], plain, without, solve, version_in, refusals)
    notes = _notes(chosen, against, refusals, version_in(answer), pins, inputs.asks)
    return Climbed(answer=answer, inputs=solved, notes=notes)


def _highest(
    inputs: Inputs,
    fitting: Sequence[Rung],
    plain: Answer,
    without: Inputs,
    solve: Solve,
    version_in: Callable[[Answer], str],
    refusals: dict[str, Answer],
) -> tuple[Rung, Answer, Inputs]:
    """The highest of the rungs that is accepted, with its answer; `plain` is what comes without asking for any."""
    came = version_in(plain)
    above = [rung for rung in fitting if is_before(came, rung.version)]
    best: tuple[Rung, Answer, Inputs] | None = None
    while above:
        middle = (len(above) - 1) // 2
        answer, solved = solve(_with(inputs, above[middle]))
        if answer.solved:
            best = (above[middle], answer, solved)
            above = above[:middle]
        else:
            refusals[above[middle].version] = answer
            above = above[middle + 1 :]
    if best is not None:
        return best
    rung = next((rung for rung in rungs() if not is_before(came, rung.version)), rungs()[-1])
    if rung.needs:
        answer, solved = solve(_with(inputs, rung))
        if answer.solved:
            return rung, answer, solved
    return rung, plain, without


def _with(inputs: Inputs, rung: Rung) -> Inputs:
    """`inputs` with this version of the server or a newer one, and with what it needs beside it."""
    floor = Ask(name=SERVER, text=rung.constraint, where=_WHERE)
    names = {ask.name for ask in inputs.asks}
    needs = []
    for text in rung.needs:
        name = text.partition(">")[0].partition("<")[0]
        if name not in names:
            needs.append(Ask(name=name, text=text, where=_WHERE))
    return replace(inputs, asks=(*inputs.asks, *needs), constraints=(*inputs.constraints, floor))


def _pins(inputs: Inputs, platform: Platform) -> dict[str, tuple[str, str]]:
    """What is asked of each package on `platform`: one specifier, and where it was said."""
    from packaging.requirements import InvalidRequirement, Requirement

    found: dict[str, tuple[str, str]] = {}
    for ask in (*inputs.asks, *inputs.constraints):
        if ask.text == FLOOR:
            continue  # every rung is above it
        try:
            parsed = Requirement(ask.text)
        except InvalidRequirement:
            continue
        if parsed.marker is not None and not parsed.marker.evaluate({**platform.markers(), "extra": ""}):
            continue
        if str(parsed.specifier):
            before, where = found.get(ask.name, ("", ask.where))
            found[ask.name] = (f"{before},{parsed.specifier}" if before else str(parsed.specifier), where)
    return found


def _notes(
    chosen: Rung,
    against: Mapping[str, Obstacle | None],
    refusals: Mapping[str, Answer],
    version: str,
    pins: Mapping[str, tuple[str, str]],
    asks: Sequence[Ask],
) -> tuple[str, ...]:
    """Why it is not the newest server, and what was added for it; nothing where it is."""
    above = [rung for rung in rungs() if is_before(chosen.version, rung.version)]
    if not above or not version:
        return ()
    next_one = above[-1]
    if against[next_one.version] is not None:
        why = _why(next_one, against[next_one.version], pins)
    elif next_one.version in refusals:
        why = f"{next_one.version} does not go with {blockers(refusals[next_one.version], SERVER, asks)}"
    else:
        why = f"{next_one.version} does not go with what else was asked for"
    notes = [f"{SERVER} {version}: {why}"]
    if chosen.needs:
        notes.append(f"{SERVER} {version} needs {' and '.join(chosen.needs)} beside it")
    return tuple(notes)


def _why(rung: Rung, found: Obstacle | None, pins: Mapping[str, tuple[str, str]]) -> str:
    """The obstacle before `rung` in words, with the place of the pin."""
    if found is None:
        return ""
    if not found.package:
        return f"{rung.version} does not run on {found.pin}"
    name = next((name for name in pins if found.pin == f"{name}{pins[name][0]}"), "")
    said = f"{found.text} ({pins[name][1]})" if name else found.text
    return said if found.package == SERVER else f"{said}, and {rung.version} asks for {found.package}{found.wanted}"
