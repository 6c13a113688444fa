"""The order of the measurements: both sides in turn, from the same state each time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from envbuild.records import dataclass

from .. import machine
from ..measuring import say
from ..processes import Run
from . import channel
from .results import Compared, Resolving, State, Watched
from .sides import CondaLock, Envbuild, Uv, index

MODELS = Path(__file__).resolve().parents[2] / "fixtures" / "models"
ENVIRONMENTS = {"forest": "scikit-learn", "lightgbm": "LightGBM"}
"""Models of the fixtures, and what their environments are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How often each figure is taken."""

    turns: int = 5
    conda_cold: int = 2
    conda_warm: int = 3
    watched: int = 3
    known: int = 11


QUICK = Plan(turns=1, conda_cold=1, conda_warm=1, watched=1, known=2)


class Other(Protocol):
    """What envbuild is measured against."""

    def forget(self, *, cold: bool) -> None: ...

    def lock(self) -> Run: ...

    def packages(self, done: Run) -> int: ...


def measure(plan: Plan) -> Resolving:
    """Take the figures; what was made is removed again. BenchError says why not."""
    with tempfile.TemporaryDirectory(prefix="envbuild-bench-") as name:
        folder = Path(name)
        found: list[Compared] = []
        for model, title in ENVIRONMENTS.items():
            say(f"{title}: its packages, unmeasured")
            ours = Envbuild(model=MODELS / model, folder=folder / model)
            ours.watch()
            theirs = Uv.of(ours, folder / f"{model}-uv")
            if not found:
                lines = Path(ours.asked[0]["words"][3]).read_text(encoding="utf-8").splitlines()
            found.append(_compared(plan, title, ours, theirs))
        say("conda: a channel, and the packages, unmeasured")
        ours, theirs = _conda(folder / "conda", channel.make(folder / "channel"), lines)
        ours.watch()
        known = _compared(plan, "conda", ours, theirs)
        names = ("uv", "py-rattler", "conda-lock")
        return Resolving(
            machine=machine.hardware(),
            versions={name: version(name) for name in names},
            uv=tuple(found),
            conda=known,
            rows=len(channel.rows()),
            roots=len(channel.ROOTS),
        )


def _compared(plan: Plan, title: str, ours: Envbuild, theirs: Other) -> Compared:
    conda = isinstance(theirs, CondaLock)
    cold = _state(plan, title, ours, theirs, cold=True, turns=plan.conda_cold if conda else plan.turns)
    warm = _state(plan, title, ours, theirs, cold=False, turns=plan.conda_warm if conda else plan.turns)
    say(f"{title}: with its lock in the cache, and no network")
    ours.lock()
    known = tuple(ours.lock(alone=True).seconds for _ in range(plan.known))
    imports = ours.imports()
    theirs.forget(cold=False)
    packages = theirs.packages(theirs.lock())
    ours.check_cut()
    return Compared(name=title, packages=ours.packages, theirs_packages=packages, cold=cold, warm=warm, known=known,
                    known_imports=imports)  # fmt: skip


def _state(plan: Plan, title: str, ours: Envbuild, theirs: Other, *, cold: bool, turns: int) -> State:
    mine: list[float] = []
    others: list[float] = []
    watched: list[Watched] = []
    if not cold:
        theirs.lock()
    for turn in range(turns):
        say(f"{title}, {'cold' if cold else 'warm'}, {turn + 1} of {turns}")
        ours.forget(cold=cold)
        mine.append(ours.lock().seconds)
        theirs.forget(cold=cold)
        others.append(theirs.lock().seconds)
        if turn < plan.watched:
            ours.forget(cold=cold)
            watched.append(ours.watch())
    return State(envbuild=tuple(mine), theirs=tuple(others), watched=tuple(watched))


def _conda(folder: Path, address: str, lines: Sequence[str]) -> tuple[Envbuild, CondaLock]:
    """A model whose conda.yaml has conda packages and the pip requirements `lines`; the same file for conda-lock.

    conda-lock is told the index beside it: it asks PyPI by an interface that other indexes lack.
    """
    model = folder / "model"
    shutil.copytree(MODELS / "forest", model)
    for name in ("python_env.yaml", "requirements.txt"):
        (model / name).unlink(missing_ok=True)
    asked = [f"- python={channel.PYTHON}", "- pip", *(f"- {name}" for name in channel.ROOTS), "- pip:"]
    depends = "\n".join(["dependencies:", *asked, *(f"  - {line}" for line in lines)])
    (model / "conda.yaml").write_text(f"channels:\n- {address}\n{depends}\n", encoding="utf-8")
    source = folder / "environment.yml"
    pip = f"pip-repositories:\n- {index()}\nallow-pypi-requests: false\n" if index() else ""
    source.write_text(f"channels:\n- {address}\n{pip}{depends}\n", encoding="utf-8")
    options = ("--conda", "always", "--platform", "linux/amd64")
    ours = Envbuild(model=model, folder=folder / "envbuild", options=options)
    return ours, CondaLock(source=source, folder=folder / "conda-lock")
