"""`python -m benchmarks [--quick] [--only lint|serving]`: measure, then write RESULTS.md and results.json."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from . import baseline, linting, machine, model, needs, page, profiling, subject, variants
from .causes import Profile
from .errors import BenchError
from .load import measuring as load
from .load import page as load_page
from .measuring import QUICK, Main, Repeats, say
from .workspace import Workspace

FOLDER = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    """Take the figures; 1 if they cannot be taken, and then nothing is written."""
    parser = argparse.ArgumentParser(prog="make bench BENCH_ARGS='...'", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repeats, and no demand for a quiet engine")
    parser.add_argument("--output", type=Path, default=FOLDER, metavar="DIR", help="where to write; default: here")
    parser.add_argument(
        "--only", choices=["lint", "serving"], help="take these figures alone, and leave the others as they are"
    )
    parser.add_argument("--base-archive", type=Path, metavar="FILE", help="where MLflow's base is kept")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        chosen.output.mkdir(parents=True, exist_ok=True)
        if chosen.only == "lint":
            return _lint(chosen.output, quick=chosen.quick)
        if chosen.only == "serving":
            return _serving(chosen.output, quick=chosen.quick)
        needs.check(base_archive=chosen.base_archive)
        needs.wrk()
        results = measure(QUICK if chosen.quick else Repeats(), chosen.base_archive, quick=chosen.quick)
        lint = linting.measure(quick=chosen.quick)
        serving = load.measure(load.QUICK if chosen.quick else load.Plan())
        text = linting.joined(page.render(results), linting.render(lint))
        text = linting.joined(text, load_page.render(serving), load_page.BEGIN, load_page.END)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    figures = {**page.as_json(results), "lint": lint.as_json(), "serving": serving.as_json()}
    _write(chosen.output / "results.json", json.dumps(figures, indent=1) + "\n")
    _write(chosen.output / "RESULTS.md", text)
    say(f"wrote {chosen.output / 'RESULTS.md'} and results.json")
    return 0


def _lint(output: Path, *, quick: bool) -> int:
    """Take the linter's figures and put them into what earlier runs wrote."""
    warnings = _warnings(os.getloadavg()[0], quick=quick)
    found = linting.measure(quick=quick)
    return _part(output, "lint", found.as_json(), linting.render(found, warnings), (linting.BEGIN, linting.END))


def _serving(output: Path, *, quick: bool) -> int:
    """The same with the figures of the servers."""
    warnings = _warnings(os.getloadavg()[0], quick=quick)
    found = load.measure(load.QUICK if quick else load.Plan())
    part = load_page.render(found, warnings)
    return _part(output, "serving", found.as_json(), part, (load_page.BEGIN, load_page.END))


def _part(output: Path, name: str, found: dict[str, Any], part: str, marks: tuple[str, str]) -> int:
    text, figures = output / "RESULTS.md", output / "results.json"
    before = text.read_text(encoding="utf-8") if text.exists() else ""
    known = json.loads(figures.read_text(encoding="utf-8")) if figures.exists() else {}
    _write(figures, json.dumps({**known, name: found}, indent=1) + "\n")
    _write(text, linting.joined(before, part, *marks))
    say(f"wrote the part {name} of {text} and results.json")
    return 0


def _warnings(average: float, *, quick: bool) -> list[str]:
    found = ["A quick run: few repeats, no figure to rely on."] if quick else []
    if average > 1:
        found.append(f"The machine was busy when the run began: load average {average:.1f}.")
    return found


def measure(repeats: Repeats, archive: Path | None, *, quick: bool) -> page.Results:
    """All figures of one run; what it made is removed again."""
    average = os.getloadavg()[0]
    with Workspace() as workspace:
        say("MLflow's command, and the base that its Dockerfile asks for")
        forest = model.copy(workspace.folder / "forest")
        mlflow = baseline.prepare(workspace, forest, archive)
        mine = subject.Envbuild(workspace=workspace, cache=workspace.folder / "cache", tag=workspace.tag("envbuild"))
        say("envbuild once, unmeasured")
        subject.warm_up(mine, forest)
        warnings = _quiet(mine, average, quick=quick)
        table = Main(subject=mine, mlflow=mlflow, repeats=repeats)
        table.run()
        measures = table.values.measures()
        say("profile")
        profile = _profile(mine, forest, table)
        return page.Results(
            command="make bench" + (" BENCH_ARGS=--quick" if quick else ""),
            machine=machine.facts(),
            measures=measures,
            generate=tuple(table.generate),
            base_size=mlflow.base_size,
            servers=variants.servers(mine, mlflow, repeats),
            bytecode=variants.bytecode(mine, mlflow, repeats),
            docker=variants.docker_backend(mine, mlflow, repeats),
            profile=profile,
            warnings=warnings,
        )


def _quiet(mine: subject.Envbuild, average: float, *, quick: bool) -> list[str]:
    """What makes the figures less than they should be; BenchError instead where they are to be kept."""
    warnings = _warnings(average, quick=quick)
    others = mine.shared_with()
    if others:
        text = f"other images in the engine hold layers of this one, so a first load is none: {', '.join(others[:6])}"
        if not quick:
            raise BenchError(f"{text}; remove them, or take --quick to try the benchmark out")
        warnings.append(f"{len(others)} other images in the engine held layers of this one: a cold load was none.")
    return warnings


def _profile(mine: subject.Envbuild, forest: Path, table: Main) -> Profile:
    container_imports = profiling.container_imports(mine.workspace, mine.tag)
    container_memory = profiling.container_memory(mine.workspace, mine.tag)
    mine.empty()
    cold = profiling.phases(mine, forest)
    nothing = profiling.phases(mine, forest)
    command_imports = profiling.command_imports(mine, forest)
    model.change(forest)
    changed = profiling.phases(mine, forest)
    peak: Any = table.peak.peak
    return Profile(
        cold=(cold[0], tuple(cold[1])),
        model_change=(changed[0], tuple(changed[1])),
        no_change=(nothing[0], tuple(nothing[1])),
        bare_python=profiling.bare_python(),
        command_imports=tuple(command_imports),
        container_imports=container_imports,
        container_memory=container_memory,
        layers=tuple((layer["title"], layer["size"]) for layer in table.result["layers"]),
        peak=peak.processes,
        peak_resident=peak.resident,
        peak_proportional=table.peak.peak_proportional,
    )


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
