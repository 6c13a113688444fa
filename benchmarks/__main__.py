"""`python -m benchmarks [--quick] [--only image|lint|resolve|registry|serving]`: measure, and write RESULTS.md."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import baseline, linting, machine, model, needs, page, profiling, subject, variants
from .causes import Profile
from .errors import BenchError
from .load import measuring as load
from .load import page as load_page
from .measuring import QUICK, Main, Repeats, say
from .registry import measuring as registry
from .registry import page as registry_page
from .registry import server
from .resolve import measuring as resolve
from .resolve import page as resolve_page
from .workspace import Workspace
from .written import write_page, write_part

FOLDER = Path(__file__).resolve().parent
MARKS = {
    "lint": (linting.BEGIN, linting.END),
    "resolve": (resolve_page.BEGIN, resolve_page.END),
    "registry": (registry_page.BEGIN, registry_page.END),
    "serving": (load_page.BEGIN, load_page.END),
}
"""What the parts stand between on the page around them."""
BUSY = 0.1
"""The share of the processors' time that others may take without a warning."""


def main(arguments: list[str]) -> int:
    """Take the figures; 1 if a part of them cannot be taken: that one and those after it are then not written."""
    parser = argparse.ArgumentParser(prog="make bench BENCH_ARGS='...'", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repeats, and no demand for a quiet engine")
    parser.add_argument("--output", type=Path, default=FOLDER, metavar="DIR", help="where to write; default: here")
    parser.add_argument("--only", choices=PARTS, help="take these figures alone, and leave the others as they are")
    parser.add_argument("--base-archive", type=Path, metavar="FILE", help="where MLflow's base is kept")
    chosen = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    parts = [chosen.only] if chosen.only else list(PARTS)
    try:
        chosen.output.mkdir(parents=True, exist_ok=True)
        if "image" in parts or "registry" in parts:
            needs.check(base_archive=chosen.base_archive, ports=needs.PORTS if "image" in parts else ())
        if "registry" in parts:
            needs.package(server.PROGRAM)
        if "serving" in parts:
            needs.package("wrk")
        for part in parts:
            PARTS[part](chosen)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _image(chosen: argparse.Namespace) -> None:
    """Take the figures of images and write the page around the other parts."""
    results = measure(QUICK if chosen.quick else Repeats(), chosen.base_archive, quick=chosen.quick)
    write_page(chosen.output, page.as_json(results), page.render(results), MARKS)


def _lint(chosen: argparse.Namespace) -> None:
    """Take the linter's figures and put them into what earlier runs wrote."""
    warnings = _warnings(machine.busy(), quick=chosen.quick)
    found = linting.measure(quick=chosen.quick)
    write_part(chosen.output, "lint", found.as_json(), linting.render(found, warnings), MARKS["lint"])


def _resolve(chosen: argparse.Namespace) -> None:
    """The same with the figures of resolving."""
    warnings = _warnings(machine.busy(), quick=chosen.quick)
    found = resolve.measure(resolve.QUICK if chosen.quick else resolve.Plan())
    write_part(chosen.output, "resolve", found.as_json(), resolve_page.render(found, warnings), MARKS["resolve"])


def _registry(chosen: argparse.Namespace) -> None:
    """The same with the figures of pushing."""
    warnings = _warnings(machine.busy(), quick=chosen.quick)
    found = registry.measure(registry.QUICK if chosen.quick else registry.Plan(), chosen.base_archive)
    text = registry_page.render(found, warnings)
    write_part(chosen.output, "registry", found.as_json(), text, MARKS["registry"])


def _serving(chosen: argparse.Namespace) -> None:
    """The same with the figures of the servers."""
    warnings = _warnings(machine.busy(), quick=chosen.quick)
    found = load.measure(load.QUICK if chosen.quick else load.Plan())
    write_part(chosen.output, "serving", found.as_json(), load_page.render(found, warnings), MARKS["serving"])


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "image": _image,
    "lint": _lint,
    "resolve": _resolve,
    "registry": _registry,
    "serving": _serving,
}


def _warnings(busy: float, *, quick: bool) -> list[str]:
    found = ["A quick run: few repeats, no figure to rely on."] if quick else []
    if busy > BUSY:
        found.append(f"The machine was busy when the run began: others took {busy:.0%} of its processors' time.")
    return found


def measure(repeats: Repeats, archive: Path | None, *, quick: bool) -> page.Results:
    """All figures of one run; what it made is removed again."""
    busy = machine.busy()
    with Workspace() as workspace:
        say("MLflow's command, and the base that its Dockerfile asks for")
        forest = model.copy(workspace.folder / "forest")
        mlflow = baseline.prepare(workspace, forest, archive)
        mine = subject.Envbuild(workspace=workspace, cache=workspace.folder / "cache", tag=workspace.tag("envbuild"))
        say("envbuild once, unmeasured")
        subject.warm_up(mine, forest)
        warnings = _quiet(mine, busy, quick=quick)
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


def _quiet(mine: subject.Envbuild, busy: float, *, quick: bool) -> list[str]:
    """What makes the figures less than they should be; BenchError instead where they are to be kept."""
    warnings = _warnings(busy, quick=quick)
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
