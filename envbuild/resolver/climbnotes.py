"""What is said of the version of the Azure ML server that was chosen: who is in the way, and what it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .explain import blockers
from .guards import is_before
from .ladder import FLOOR, SERVER, Obstacle, Rung, disjoint, rung_of, rungs
from .requirements import Ask

if TYPE_CHECKING:
    from .uv import Answer

# By canonical name: a specifier, and where it was said.
Pins = Mapping[str, tuple[str, str]]
# By version of the server: what was asked for beside it, and the solver's refusal.
Refusals = Mapping[str, tuple[tuple[str, ...], "Answer"]]
# What happens where an older server goes without what it needs.
_WITHOUT = {
    "azureml-contrib-services": "beside azureml-ai-monitoring its workers stop at No module named 'azureml.contrib'",
    "setuptools": "its gunicorn stops at No module named 'pkg_resources'",
}


def notes_on(
    version: str,
    against: Mapping[str, Obstacle | None],
    refusals: Refusals,
    lacking: Mapping[str, Answer],
    pins: Pins,
    asks: Sequence[Ask],
    added: Sequence[str],
) -> tuple[str, ...]:
    """Why it is not the newest server, what was added for it, and what it lacks; nothing where it is the newest.

    `added` are the requirements that were added for it, `lacking` those that the solver refused.
    """
    above = [rung for rung in rungs() if is_before(version, rung.version)]
    if not above:
        return ()
    notes = [f"{SERVER} {version}: {_why_not(above[-1], against, refusals, pins, asks)}"]
    if added:
        notes.append(f"{SERVER} {version} needs {' and '.join(added)} beside it")
    for need in rung_of(version).needs:
        name = need.partition(">")[0].partition("<")[0]
        asked, where = pins.get(name, ("", ""))
        if need in lacking:
            cause = f"which is refused ({blockers(lacking[need], need, asks)})"
        elif need not in added and disjoint(asked, need.removeprefix(name)):
            cause = f"and {name}{asked} is asked for ({where})"
        else:
            continue
        notes.append(f"{SERVER} {version} lacks {need}, {cause}: {_WITHOUT.get(name, 'it may not start')}")
    return tuple(notes)


def dead_end(against: Mapping[str, Obstacle | None], pins: Pins) -> str:
    """Why no version of the server goes with the pins."""
    newest = rungs()[0]
    return f"no {FLOOR} goes with the pins: {_obstacle_said(newest, against[newest.version], pins)}"


def _why_not(
    rung: Rung, against: Mapping[str, Obstacle | None], refusals: Refusals, pins: Pins, asks: Sequence[Ask]
) -> str:
    """Why that version was not chosen."""
    if against[rung.version] is not None:
        return _obstacle_said(rung, against[rung.version], pins)
    if rung.version not in refusals:
        return f"{rung.version} does not go with what else was asked for"
    needs, answer = refusals[rung.version]
    beside = f", which needs {' and '.join(needs)} beside it," if needs else ""
    return f"{rung.version}{beside} does not go with {blockers(answer, SERVER, asks)}"


def _obstacle_said(rung: Rung, found: Obstacle | None, pins: Pins) -> str:
    """The obstacle before `rung` in words, with the place of the pin."""
    if found is None:
        return ""
    if not found.package:
        return f"{rung.version} does not run on {found.pin}"
    name = next((name for name in pins if found.pin == f"{name}{pins[name][0]}"), "")
    said = f"{found.text} ({pins[name][1]})" if name else found.text
    return said if found.package == SERVER else f"{said}, and {rung.version} asks for {found.package}{found.wanted}"
