"""The best version of the Azure ML server that a solver accepts beside what the model asks for.

The table of the ladder leaves out what the model's own pins forbid. What only a solver can know is asked in few steps:
whoever accepts a version as the oldest one accepts an older one too, so the steps halve what is left. That holds as
long as the same is asked for beside it, and older versions need more beside them: so the version is looked for without
that first, and what it needs is added then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..records import dataclass
from .climbnotes import Pins, dead_end, notes_on
from .explain import is_conflict
from .guards import is_before
from .ladder import FLOOR, SERVER, Rung, obstacle, rung_of, rungs
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer, the inputs that it is to, and the version of the server in it; empty where there is none."""

    answer: Answer
    inputs: Inputs
    version: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """What that version needs beside it."""
        return rung_of(self.version).needs if self.version else ()


def climb(inputs: Inputs, platform: Platform, solve: Solve, version_in: Callable[[Answer], str]) -> Climbed:
    """Solve `inputs` with the newest server that goes. `version_in` reads the server's version from an answer.

    `solve` gives up soft constraints where it has to, and says so itself. It is asked once where nothing is in the way.
    """
    pins = _pins(inputs, platform)
    specifiers = {name: specifier for name, (specifier, _) in pins.items()}
    against = {rung.version: obstacle(rung, specifiers, python=platform.python, solver=True) for rung in rungs()}
    fitting = [rung for rung in rungs() if against[rung.version] is None]
    climber = _Climber(inputs, solve, version_in)
    if fitting:
        found = climber.ask(fitting[0], fitting[0].needs)
        if found.answer.solved:
            found = climber.relieved(found, fitting[0])
        elif is_conflict(found.answer):
            found = climber.completed(climber.highest(fitting), fitting)
    else:
        # The floor stands among the constraints, so the solver finds nothing either, unless it knows another version.
        found = climber.completed(climber.ask(), fitting)
    if not found.answer.solved:
        return Climbed(answer=found.answer, inputs=found.inputs, dead_end="" if fitting else dead_end(against, pins))
    added = [need for need in found.needs if need in {ask.text for ask in found.inputs.asks}]
    notes = notes_on(found.version, against, climber.refusals, climber.lacking, pins, inputs.asks, added)
    return Climbed(answer=found.answer, inputs=found.inputs, notes=notes)


class _Climber:
    """The questions to the solver, and what it refused.

    `refusals` are by version: what was asked for beside that version or a newer one, and the answer. `lacking` are by
    what a version needs and could not be had.
    """

    def __init__(self, inputs: Inputs, solve: Solve, version_in: Callable[[Answer], str]) -> None:
        self._inputs = inputs
        self._solve = solve
        self._version_in = version_in
        self.refusals: dict[str, tuple[tuple[str, ...], Answer]] = {}
        self.lacking: dict[str, Answer] = {}

    def ask(self, rung: Rung | None = None, needs: Sequence[str] = ()) -> Found:
        """The answer with that version of the server or a newer one, and `needs` beside it."""
        answer, solved = self._solve(_with(self._inputs, rung, needs))
        if answer.solved:
            return Found(answer=answer, inputs=solved, version=self._version_in(answer))
        if rung is not None and (not needs or rung.version not in self.refusals):
            self.refusals[rung.version] = (tuple(needs), answer)
        return Found(answer=answer, inputs=solved)

    def highest(self, rungs: Sequence[Rung], needs: Sequence[str] = ()) -> Found:
        """The answer with the highest of the rungs that is accepted with `needs`, or with what comes by itself."""
        best = self.ask(None, needs)
        above = [r for r in rungs if is_before(best.version, r.version) and not self._is_refused(r, needs)]
        while above:
            middle = (len(above) - 1) // 2
            found = self.ask(above[middle], needs)
            if found.answer.solved:
                best = found
                above = [rung for rung in above[:middle] if is_before(found.version, rung.version)]
            else:
                above = above[middle + 1 :]
        return best

    def relieved(self, found: Found, rung: Rung) -> Found:
        """`found`, which was asked for with what `rung` needs; without that where a version came that needs less."""
        needless = not set(rung.needs) <= set(found.needs)
        if not found.version or not needless or _with(self._inputs, rung, found.needs).asks == found.inputs.asks:
            return found
        again = self.ask(rung, found.needs)
        return again if again.answer.solved and set(again.needs) <= set(found.needs) else found

    def completed(self, found: Found, rungs: Sequence[Rung]) -> Found:
        """`found` with what its version needs; else an older of the rungs with what that one needs.

        Where that cannot be had at all it is `found` with as much of it as there is, and `lacking` has the rest.
        """
        if not found.needs or _with(self._inputs, None, found.needs) == self._inputs:
            return found
        whole = self.ask(rung_of(found.version), found.needs)
        if whole.answer.solved:
            return whole
        refused: list[set[str]] = []
        older = [rung for rung in rungs if not is_before(found.version, rung.version)]
        for needs in dict.fromkeys(rung.needs for rung in older):
            if any(set(needs) >= less for less in refused):
                continue
            other = self.highest([rung for rung in older if rung.needs == needs], needs)
            if other.answer.solved and set(other.needs) <= set(needs):
                return other
            refused += [] if other.answer.solved else [set(needs)]
        return self._as_far_as_it_goes(found, whole)

    def _as_far_as_it_goes(self, found: Found, whole: Found) -> Found:
        """`found` with each of what its version needs that can be had; `whole` is the refusal of all of it."""
        best = found
        kept: list[str] = []
        for need in found.needs:
            attempt = whole if len(found.needs) == 1 else self.ask(rung_of(found.version), (*kept, need))
            if attempt.answer.solved:
                best, kept = attempt, [*kept, need]
            else:
                self.lacking[need] = attempt.answer
        return best

    def _is_refused(self, rung: Rung, needs: Sequence[str]) -> bool:
        """Whether that version was refused already, with no more beside it."""
        return rung.version in self.refusals and set(self.refusals[rung.version][0]) <= set(needs)


def _with(inputs: Inputs, rung: Rung | None, needs: Sequence[str]) -> Inputs:
    """`inputs` with this version of the server or a newer one, and with `needs` that are not listed already."""
    names = {ask.name for ask in inputs.asks}
    wanted = [Ask(name=text.partition(">")[0].partition("<")[0], text=text, where=_WHERE) for text in needs]
    floor = () if rung is None else (Ask(name=SERVER, text=rung.constraint, where=_WHERE),)
    return replace(
        inputs,
        asks=(*inputs.asks, *(ask for ask in wanted if ask.name not in names)),
        constraints=(*inputs.constraints, *floor),
    )


def with_server(inputs: Inputs, version: str) -> Inputs:
    """`inputs` with exactly this version of the server, and what it needs."""
    held = _with(inputs, None, rung_of(version).needs)
    pin = Ask(name=SERVER, text=f"{SERVER}=={version}", where="the lock")
    return replace(held, constraints=(*held.constraints, pin), ladder=False)


def _pins(inputs: Inputs, platform: Platform) -> Pins:
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
        if parsed.marker is not None and not platform.holds(str(parsed.marker)):
            continue
        if str(parsed.specifier):
            before, where = found.get(ask.name, ("", ask.where))
            found[ask.name] = (f"{before},{parsed.specifier}" if before else str(parsed.specifier), where)
    return found
