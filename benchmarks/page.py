"""The page as a whole: what it says around the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from . import base, imports, profiled, report, serving
from .causes import Profile
from .figures import Measure, seconds, series, size

MODULES = 60
_TOP = """\
makes this page and `results.json` beside it: one model (`fixtures/models/forest`, scikit-learn), one machine, one run,
both sides in turn.
"""
_OVERLAP = """\
Phases may overlap; CPU is that of envbuild's processes and of the engine's daemon in the time of the phase.
"""
_IMPORTS = """\
An interpreter that does nothing takes {python}. The command's imports (`python -X importtime`, which slows them down):
"""
_MEMORY = """\
Resident memory of each of the two processes; what both share counts in both, so they add up to more than the container.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All that a run found. `generate` are seconds of MLflow's own command before a build, `base_size` bytes."""

    command: str
    machine: dict[str, str]
    measures: Sequence[Measure]
    generate: tuple[float, ...]
    base_size: int
    bytecode: Sequence[dict[str, Any]]
    servers: Sequence[dict[str, Any]]
    docker: Sequence[dict[str, Any]]
    profile: Profile
    warnings: Sequence[str]


def as_json(results: Results) -> dict[str, Any]:
    """The results for machines; of the imports, those with the longest times of their own."""
    found = asdict(results)
    profile = found["profile"]
    longest = sorted(profile["command_imports"], key=lambda module: module["own"], reverse=True)
    profile["command_imports"] = longest[:MODULES]
    profile["container_imports"] = profiled.longest(profile["container_imports"], MODULES)
    return found


def render(results: Results) -> str:
    """The text of RESULTS.md."""
    profile = results.profile
    parts = [
        "# envbuild against MLflow's own image\n",
        f"    {results.command}\n",
        _TOP,
        *(f"> **{warning}**\n" for warning in results.warnings),
        report.table(("machine", ""), list(results.machine.items())),
        "## The table\n",
        "Medians; the range and the number of values in brackets. envbuild serves with `--server envbuild`.\n",
        report.main_table(results.measures),
        "### Aims that were missed\n",
        report.missed(results.measures, profile),
        "## How it was measured\n",
        _how(results),
        "## envbuild's choices beside each other\n",
        "### Bytecode\n",
        report.variants(results.bytecode),
        "### Servers\n",
        report.variants(results.servers),
        "### The Dockerfile backend\n",
        report.variants(results.docker)
        if results.docker
        else "This envbuild has no `--backend docker`: nothing was measured.\n",
        "## Where a cold build goes\n",
        _OVERLAP,
        report.phases(*profile.cold),
        f"Done, seconds after the start: {report.steps(profile.cold[1])}",
        _peak(profile),
        "## Where a build after a change of the model goes\n",
        report.phases(*profile.model_change),
        "## Where a build with nothing changed goes\n",
        report.phases(*profile.no_change),
        _IMPORTS.format(python=seconds(profile.bare_python)),
        report.packages(profile.command_imports, split="envbuild"),
        report.modules(profile.command_imports),
        "## Where the start of the container goes\n",
        _started(profile.container_imports),
        report.packages(profile.container_imports.worker),
        report.modules(profile.container_imports.worker),
        "## Where the memory of the container goes\n",
        _MEMORY,
        report.memory(profile.container_memory),
        "## Where the size of the image goes\n",
        report.table(("layer", "size"), [(title, size(value)) for title, value in profile.layers], right=(1,)),
    ]
    return "\n".join(parts)


def _started(found: profiled.Imports) -> str:
    main, worker = (f"{len(one)} modules in {seconds(imports.total(one))}" for one in (found.main, found.worker))
    return (
        f"With `-X importtime` inside the image the HTTP process imports {main} and its worker {worker}, at the same "
        "time. The worker's:\n"
    )


def _peak(profile: Profile) -> str:
    processes = ", ".join(f"{name} {size(value)}" for name, value in profile.peak[:6])
    whole = f"{size(profile.peak_resident)} resident, {size(profile.peak_proportional)} with shared pages counted once"
    return f"The builder's peak: {whole}; {processes}.\n"


_HOW = """\
- MLflow's side is the context that `mlflow models generate-dockerfile` writes, built by `docker build` with the
  engine's classic builder. Writing the context takes {generate} more each time, which is in no row of the table.
{adapted}\
- That base is {base} of MLflow's image.
- Cold, envbuild: an empty cache, and an engine without any of the image's layers; it fetches and assembles its base,
  resolves, fetches every wheel, writes the layers and loads them. Cold, MLflow: `--no-cache`, the base at hand. Neither
  side keeps a download from before. The page cache is warm: envbuild has run once before, unmeasured.
- The change is one byte of `model.skops`, which still loads; another one each time. MLflow's context is written anew
  before, outside of the time taken.
- Times are those of the whole process, from its start to its end.
- Memory of the container: {memory}. MLflow's starts nginx and one worker process for each core, envbuild's an HTTP
  process and one worker; all of them count.
- Peak memory of the builder: the resident sizes of all its processes added, sampled 50 times a second; for envbuild in
  a cold build of its own, for MLflow in `docker build` after a change of the model. The engine's daemon is counted for
  neither side, and neither is pip in MLflow's build containers.
- The first 200 is the answer to the model's own example, checked against what the model predicts; MLflow at its fixed
  port, envbuild at $PORT, both polled every 20 ms.
"""


def _how(results: Results) -> str:
    return _HOW.format(
        generate=series(results.generate, "s"),
        adapted=base.ADAPTED,
        base=size(results.base_size),
        memory=serving.MEMORY,
    )
