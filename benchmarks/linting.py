"""`envbuild lint`: the whole process against a bare Python, ruff on one file and the import of MLflow, in turn.

The figures are a part of RESULTS.md of their own: they need no engine, and can be taken anew without the others.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import imports, needs, report
from .aims import Aim, judge
from .errors import BenchError
from .figures import Measure, median, ratio, seconds, series
from .imports import Import
from .measuring import say
from .processes import environment, run

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "fixtures" / "models"
MODEL = MODELS / "diabetes"
SOURCE = ROOT / "envbuild" / "errors.py"
MANY = 150
BEGIN, END = "<!-- lint: begin -->", "<!-- lint: end -->"

AIMS = (
    Aim(key="lint", kind="value", at_most=0.25, words="under 0.25 s"),
    Aim(key="lint_mlflow", kind="ratio", at_most=1 / 4, words="a quarter of `import mlflow`"),
    Aim(key="lint_many", kind="value", at_most=3.0, words="under 3 s"),
    Aim(key="lint_memory", kind="value", at_most=60e6, words="under 60 MB"),
)
# Runs the command, then tells the most memory that this process ever had: what the system tells of a child may be its
# parent's, from before the program was loaded.
_PEAK = (
    "import sys\nfrom envbuild.cli.main import run\nrun(sys.argv[1:])\n"
    "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')), file=sys.stderr)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Linting:
    """The figures. `bare`, `ruff` and `mlflow` are seconds of the commands beside it; `loaded` what lint imports."""

    lint: tuple[float, ...]
    many: tuple[float, ...]
    memory: tuple[float, ...]
    memory_many: tuple[float, ...]
    bare: tuple[float, ...]
    ruff: tuple[float, ...]
    mlflow: tuple[float, ...]
    rules: int
    loaded: tuple[Import, ...]

    def measures(self) -> list[Measure]:
        """The figures that have an aim."""
        return [
            Measure(key="lint", title="`envbuild lint` of one model", unit="s", envbuild=self.lint),
            Measure(key="lint_mlflow", title="the same against `import mlflow`", unit="s", envbuild=self.lint,
                    mlflow=self.mlflow),
            Measure(key="lint_many", title=f"`envbuild lint` of {MANY} models in one call", unit="s",
                    envbuild=self.many),
            Measure(key="lint_memory", title="peak memory, one model", unit="B", envbuild=self.memory),
        ]  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """The figures for machines."""
        return asdict(self)


def measure(*, quick: bool = False) -> Linting:
    """Take the figures. BenchError if a command fails."""
    with tempfile.TemporaryDirectory(prefix="envbuild-bench-") as folder:
        return _measure(Path(folder), quick=quick)


def _measure(folder: Path, *, quick: bool) -> Linting:
    lint: list[str | Path] = [needs.envbuild(), "lint", MODEL]
    python, ruff = Path(sys.executable), Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        raise BenchError("there is no ruff beside Python: install the project with its extra dev")
    many: list[str | Path] = [needs.envbuild(), "lint", "--server", "envbuild", "-q", *_many(folder / "models")]
    commands: dict[str, list[str | Path]] = {
        "bare": [python, "-c", "pass"],
        "lint": lint,
        "ruff": [ruff, "check", "--no-cache", "--isolated", SOURCE],
        "mlflow": [python, "-c", "import mlflow"],
        "many": many,
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    memory: dict[str, list[float]] = {"lint": [], "many": []}
    turns = 3 if quick else 15
    for turn in range(turns + 1):
        say(f"lint, {turn} of {turns}" if turn else "lint, unmeasured")
        for name, words in commands.items():
            if name == "many" and turn > 5:
                continue
            done = run(words, env=environment(), folder=folder, expected=(0, 1))
            if turn:
                taken[name].append(done.seconds)
        for name in memory if turn in (1, 2, 3) else ():
            told = run([python, "-c", _PEAK, *commands[name][1:]], env=environment(), expected=(0,)).stderr
            memory[name].append(float(re.findall(r"\d+", told)[-1]) * 1024)
    loaded = run([python, "-X", "importtime", "-m", "envbuild", *lint[1:]], env=environment(), expected=(0, 1)).stderr
    listed = run([needs.envbuild(), "rules"], env=environment()).stdout.splitlines()
    return Linting(
        lint=tuple(taken["lint"]),
        many=tuple(taken["many"]),
        memory=tuple(memory["lint"]),
        memory_many=tuple(memory["many"]),
        bare=tuple(taken["bare"]),
        ruff=tuple(taken["ruff"]),
        mlflow=tuple(taken["mlflow"]),
        rules=len(listed) - 1,
        loaded=tuple(imports.parse(loaded)),
    )


def render(found: Linting, warnings: Sequence[str] = ()) -> str:
    """The part of RESULTS.md, between the marks by which it is found again."""
    rows = []
    for measure_, aim in zip(found.measures(), AIMS, strict=True):
        judged = judge(aim, [measure_])
        figure = ratio(measure_.ratio) if aim.kind == "ratio" else series(measure_.envbuild, measure_.unit)
        rows.append((measure_.title, figure, aim.words, "reached" if judged.reached else f"**missed** ({judged.text})"))
    beside = [
        ("`python -c pass`", series(found.bare, "s")),
        (f"`ruff check --no-cache` of one file ({SOURCE.name})", series(found.ruff, "s")),
        ("`python -c 'import mlflow'` (mlflow-skinny)", series(found.mlflow, "s")),
        (f"peak memory, {MANY} models", series(found.memory_many, "B")),
    ]
    own = seconds(max(0.0, median(found.lint) - median(found.bare)))
    told = (
        f"`envbuild lint fixtures/models/{MODEL.name}` with {found.rules} rules: the whole process, in turn with the\n"
        f"others below; {own} above a Python that does nothing.\n"
    )
    parts = [
        BEGIN,
        "## The linter\n",
        f"    {report.COMMAND} BENCH_ARGS='--only lint'\n",
        *(f"> **{warning}**\n" for warning in warnings),
        told,
        report.table(("measure", "envbuild", "aim", ""), rows),
        report.table(("beside it", ""), beside),
        f"What it imports ({len(found.loaded)} modules, {seconds(imports.total(found.loaded))} with the profile on):\n",
        report.packages(found.loaded, split="envbuild"),
        END,
    ]
    return "\n".join(parts) + "\n"


def _many(folder: Path) -> list[Path]:
    """Many models: the fixtures in turn, each in a folder of its own."""
    fixtures = sorted(path for path in MODELS.iterdir() if path.is_dir())
    found = [folder / f"{number:03d}-{fixtures[number % len(fixtures)].name}" for number in range(MANY)]
    for number, path in enumerate(found):
        shutil.copytree(fixtures[number % len(fixtures)], path)
    return found
