"""The part of RESULTS.md on resolving."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from .. import report
from ..aims import Judgement
from ..figures import Measure, median, ratio, seconds, series
from .aims import judged, measures, name
from .results import Compared, Resolving, Watched

BEGIN, END = "<!-- resolve: begin -->", "<!-- resolve: end -->"
_TOP = """\
`envbuild lock` as a whole process, in turn with the command beside it, from the same state. Medians; the range and the
number of values in brackets. Cold: nothing is known of what the index or the channels have. Warm: what they said is in
the caches, and is asked for anew. No lock is known in either.
"""
_UV = """\
Against `uv pip compile`: the very command that envbuild gives it, alone. The phase in which packages are chosen is from
runs that were watched, in the same turns.
"""
_CONDA = """\
Against `conda-lock lock`, for {packages} packages: Python, pip, {roots} conda packages with all that they need, and the
pip list of the scikit-learn model, for linux-64 (`--conda always`).
"""
_KNOWN = """\
With the lock in the cache, and proxies that are none in place of a network:
"""
_HOW = """\
- envbuild's lock also reads and lints the model, looks the base up and checks that every package's file is at hand:
  base and files are in its cache, for it fetches them with a lock, and neither uv nor conda-lock does.
- The environments are those of `fixtures/models`, with the packages of `--server envbuild`.
- The index is the one that uv asks on this machine. Its distance is in all figures.
- The channel is a folder on this disk of {rows:,} packages, made for this: most are names alone, the newest have small
  files. conda-lock needs a conda, mamba or micromamba: it has a command that speaks as conda does and solves by
  rattler, as envbuild does, so the solver is not what differs. Its pip packages come from the same index by its plain
  pages (`pip-repositories`): PyPI's own interface, which it asks otherwise, is not everywhere where an index is. It
  gets an empty file for the names of conda's packages on PyPI, which it fetches otherwise.
- Both sides lock as many packages: {counts}.
- conda-lock.yml is written by conda-lock's models on both sides; the text that envbuild keeps of an earlier one is
  removed before each cold and warm turn.
"""


def render(found: Resolving, warnings: Sequence[str] = ()) -> str:
    """The part, between the marks by which it is found again. BenchError if a figure with an aim is missing."""
    judgements, known = judged(found), measures(found)
    conda = _CONDA.format(packages=found.conda.packages, roots=found.roots)
    parts = [
        BEGIN,
        "## Resolving\n",
        f"    {report.COMMAND} BENCH_ARGS='--only resolve'\n",
        *(f"> **{warning}**\n" for warning in warnings),
        _TOP,
        report.table(("machine", ""), [*found.machine.items(), *found.versions.items()]),
        _UV,
        _against(found.uv, known, judgements, "uv"),
        conda,
        _against((found.conda,), known, judgements, "conda-lock"),
        _KNOWN,
        _alone(found, known, judgements),
        "Where the time goes, in the middle one of the runs that were watched:\n",
        _phases(found),
        *_missed(found, judgements),
        "### How resolving was measured\n",
        _how(found),
        END,
    ]
    return "\n".join(parts) + "\n"


def _against(
    environments: Sequence[Compared], known: dict[str, Measure], judgements: dict[str, Judgement], other: str
) -> str:
    rows = []
    for one in environments:
        for state in ("cold", "warm"):
            row, judgement = known[name(one, state)], judgements[name(one, state)]
            resolve = seconds(median(getattr(one, state).resolve))
            sides = (series(row.envbuild, "s"), resolve, series(row.mlflow, "s"), ratio(row.ratio))
            rows.append((row.title, *sides, *_aim(judgement)))
    head = ("environment", "`envbuild lock`", "its resolve", f"`{_command(other)}`", f"envbuild : {other}", "aim", "")
    return report.table(head, rows)


def _command(other: str) -> str:
    return "uv pip compile" if other == "uv" else "conda-lock lock"


def _alone(found: Resolving, known: dict[str, Measure], judgements: dict[str, Judgement]) -> str:
    rows = []
    for one in (*found.uv, found.conda):
        row = known[name(one, "known")]
        rows.append((row.title, series(row.envbuild, "s"), str(one.known_imports), *_aim(judgements[row.key])))
    return report.table(("environment", "`envbuild lock`", "modules loaded", "aim", ""), rows)


def _phases(found: Resolving) -> str:
    rows = []
    for one in (*found.uv, found.conda):
        for state in ("cold", "warm"):
            run = middle(getattr(one, state).watched)
            rest = max(0.0, run.phases["resolve"] - run.uv)
            cells = (run.seconds, run.around, run.uv, rest, others(run), run.writing)
            rows.append((f"{one.name}, {state}", *map(seconds, cells)))
    head = ("environment", "whole", "start, imports, end", "uv", "rest of the resolve", "other phases", "writing")
    return report.table(head, rows, right=range(1, 7))


def middle(runs: Sequence[Watched]) -> Watched:
    """The run whose time is the median, the lower one of two."""
    at = statistics.median_low([run.seconds for run in runs])
    return next(run for run in runs if run.seconds == at)


def others(run: Watched) -> float:
    """Seconds of all phases but that in which packages are chosen."""
    return sum(value for phase, value in run.phases.items() if phase != "resolve")


def _missed(found: Resolving, judgements: dict[str, Judgement]) -> list[str]:
    environments = {one.name: one for one in (*found.uv, found.conda)}
    lines = []
    for key, judgement in judgements.items():
        if judgement.reached:
            continue
        one, _, state = key.rpartition(" ")
        told = _cause(environments[one], state)
        lines.append(f"- **{key}**: {judgement.text}, aimed at {judgement.aim.words}. Measured: {told}.\n")
    return ["### Aims of resolving that were missed\n", "".join(lines)] if lines else ["Every aim is reached.\n"]


def _cause(one: Compared, state: str) -> str:
    if state == "known":
        return f"{one.known_imports} modules are loaded"
    run = middle(getattr(one, state).watched)
    calls = f"{run.calls} call{'s' if run.calls != 1 else ''} of uv"
    return (
        f"of {seconds(run.seconds)} of a run that was watched, {seconds(run.around)} in start, imports and end, "
        f"{seconds(run.phases['resolve'])} in the resolve ({seconds(run.uv)} of it in {calls}), "
        f"{seconds(others(run))} in other phases, {seconds(run.writing)} writing"
    )


def _aim(found: Judgement) -> tuple[str, str]:
    return found.aim.words, "reached" if found.reached else f"**missed** ({found.text})"


def _how(found: Resolving) -> str:
    counts = ", ".join(
        f"{one.name} {one.packages}" + ("" if one.packages == one.theirs_packages else f" and {one.theirs_packages}")
        for one in (*found.uv, found.conda)
    )
    same = all(one.packages == one.theirs_packages for one in (*found.uv, found.conda))
    text = _HOW.format(rows=found.rows, counts=counts)
    return text if same else text.replace("Both sides lock as many packages", "Packages of both sides' locks")
