"""RESULTS.md: the table with the aims, the choices beside each other, and the profile of each phase."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from . import imports
from .aims import AIMS, judge
from .causes import Profile, cause
from .figures import Measure, Unit, median, quantity, ratio, seconds, series, size
from .profiled import Memory
from .profiling import Phase

COMMAND = "make bench"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """A Markdown table; the columns of `right` are aligned so."""
    marks = ["---:" if column in right else "---" for column in range(len(head))]
    lines = [head, marks, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def main_table(measures: Sequence[Measure]) -> str:
    """Every measure with its ratio, its aim and whether it is reached. BenchError for an aim without a measure."""
    judgements = {aim.key: judge(aim, measures) for aim in AIMS}
    rows = []
    for measure in measures:
        found = judgements.get(measure.key)
        verdict = "-" if found is None else "reached" if found.reached else f"**missed** ({found.text})"
        rows.append(
            (
                measure.title,
                series(measure.envbuild, measure.unit),
                series(measure.mlflow, measure.unit),
                ratio(measure.ratio),
                found.aim.words if found else "-",
                verdict,
            )
        )
    return table(("measure", "envbuild", "MLflow", "envbuild : MLflow", "aim", ""), rows)


def missed(measures: Sequence[Measure], profile: Profile) -> str:
    """For each aim that was missed, its measured cause."""
    found = [judge(aim, measures) for aim in AIMS]
    lines = [
        f"- **{judgement.aim.key.replace('_', ' ')}**: {judgement.text}, aimed at {judgement.aim.words}. "
        f"Measured: {cause(judgement.aim.key, profile)}.\n"
        for judgement in found
        if not judgement.reached
    ]
    return "".join(lines) or "Every aim is reached.\n"


def variants(rows: Sequence[dict[str, Any]]) -> str:
    """The choices of envbuild beside each other; a column that no row has is left out."""
    columns: tuple[tuple[str, str, Unit], ...] = (
        ("cold", "cold build", "s"),
        ("model_change", "model changed", "s"),
        ("no_change", "nothing changed", "s"),
        ("size", "size", "B"),
        ("gzip", "gzip -6", "B"),
        ("first_answer", "first 200", "s"),
        ("memory", "memory", "B"),
    )
    shown = [column for column in columns if any(row.get(column[0]) for row in rows)]
    lines = []
    for row in rows:
        cells = [f"`{row['options']}`"]
        for key, _, unit in shown:
            value = row.get(key)
            values = tuple(value) if isinstance(value, list) else (value,) if value else ()
            cells.append(quantity(median(values), unit) if values else "-")
        lines.append(cells)
    return table(("envbuild", *(title for _, title, _ in shown)), lines, right=range(1, len(shown) + 1))


def phases(whole: float, found: Sequence[Phase]) -> str:
    """The phases of one build."""
    rows = [
        (
            phase.name,
            phase.what,
            *(seconds(value) for value in (phase.began, phase.seconds, phase.cpu, phase.engine_cpu)),
            size(phase.resident),
        )
        for phase in found
    ]
    head = ("phase", "what", "began", "took", "CPU", "CPU of the engine", "peak memory")
    return f"{seconds(whole)} in all.\n\n" + table(head, rows, right=range(2, 7))


def steps(found: Sequence[Phase], count: int = 16) -> str:
    """When the layers were done, for the phase that makes them; at most the last `count`."""
    told = [(what, at) for phase in found if phase.name == "layer" for what, at in phase.steps][-count:]
    return "; ".join(f"{what} {seconds(at)}" for what, at in told) + ".\n" if told else "No step was told.\n"


def packages(found: Sequence[imports.Import], *, split: str = "", count: int = 14) -> str:
    """Imports by package."""
    rows = [
        (name, f"{own * 1000:.1f} ms", str(modules))
        for name, own, modules in imports.by_package(found, split=split)[:count]
    ]
    return table(("package", "own time", "modules"), rows, right=(1, 2))


def modules(found: Sequence[imports.Import], *, count: int = 15) -> str:
    """The costliest imports, by themselves and with what they pull in."""
    pairs = zip(imports.costliest(found, count), imports.outermost(found, count), strict=True)
    rows = [(own.name, f"{own.own * 1000:.1f} ms", whole.name, f"{whole.total * 1000:.1f} ms") for own, whole in pairs]
    return table(("module", "own time", "module", "with all it imports"), rows, right=(1, 3))


def memory(found: Sequence[Memory], count: int = 14) -> str:
    """The resident memory of the server's processes, the HTTP process and its worker, by what they imported."""
    brought = [dict(one.imports) for one in found]
    most = {name: max(one.get(name, 0) for one in brought) for name in {name for one in brought for name in one}}
    names = sorted(most, key=lambda name: (-most[name], name))
    rows: list[tuple[str, list[int]]] = [("(interpreter)", [one.start for one in found])]
    rows += [(name, [one.get(name, 0) for one in brought]) for name in names[:count]]
    rows += [
        ("(other packages)", [sum(one.get(name, 0) for name in names[count:]) for one in brought]),
        ("(all else: the model, the first answer)", [one.rest for one in found]),
        ("in all", [one.end for one in found]),
    ]
    cells = [(name, *(size(value) if value > 0 else "-" for value in values)) for name, values in rows]
    return table(("package", "HTTP process", "worker"), cells, right=(1, 2))
