"""The order of the measurements, and how much of each is taken."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from .. import baseline, machine, model, needs
from ..measuring import say
from ..workspace import Workspace
from . import server
from .arrivals import arrivals
from .changes import Sides, changes, shelves
from .large import large
from .results import Registry

DISK = 4
"""How many times the large file has to fit on the disk: in the model, the cache, and a layout or a registry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How often each figure is taken; `models` of one framework, a `large` file of so many bytes."""

    machines: int = 2
    change: int = 5
    change_mlflow: int = 2
    models: int = 10
    large: int = 4_000_000_000
    turns: int = 2
    again: int = 3


QUICK = Plan(machines=1, change=2, change_mlflow=1, models=3, large=200_000_000, turns=1, again=2)


def measure(plan: Plan, archive: Path | None) -> Registry:
    """Take the figures; what was made is removed again. BenchError says why not."""
    with Workspace() as workspace:
        needs.space(workspace.folder, DISK * plan.large)
        forest = model.copy(workspace.folder / "forest")
        found, first = arrivals(forest, workspace.folder / "machines", turns=plan.machines)
        big = large(forest, first, workspace.folder / "large", size=plan.large, turns=plan.turns, again=plan.again)
        say("MLflow's image")
        mlflow = baseline.prepare(workspace, forest, archive)
        mlflow.build()
        sides = Sides(machine=first, mlflow=mlflow)
        changed = changes(sides, workspace.folder / "registry", turns=plan.change, turns_mlflow=plan.change_mlflow)
        shutil.rmtree(workspace.folder / "registry")
        ours, theirs = shelves(sides, workspace.folder / "shelves", count=plan.models)
        return Registry(
            machine={**machine.facts(), "registry": server.version()},
            base_size=mlflow.base_size,
            changes=changed,
            envbuild=ours,
            mlflow=theirs,
            large=big,
            arrivals=found,
        )
