"""A second machine with nothing but the model, against the registry that a first one has pushed to."""

from __future__ import annotations

import shutil
from pathlib import Path

from .. import model
from ..measuring import say
from .changes import size_of
from .counting import counted
from .machines import Machine, as_push, made
from .results import Arrivals, Push
from .server import serving

_NAME = "bench/forest:1"


def arrivals(forest: Path, folder: Path, *, turns: int) -> tuple[Arrivals, Machine]:
    """Push from an empty machine to an empty registry, then the changed model from another one to the same name.

    Also gives the first machine of the last turn, which knows all of the model.
    """
    pushes: tuple[list[Push], list[Push]] = ([], [])
    wheels: tuple[list[int], list[int]] = ([], [])
    machines: list[Machine] = []
    for turn in range(turns):
        shutil.rmtree(folder, ignore_errors=True)
        machines = [made(folder / "first"), made(folder / "second")]
        with serving(folder / "registry") as server, counted(server.address) as counter:
            for number, title in enumerate(("the first machine", "the second machine")):
                say(f"{title}, {turn + 1} of {turns}")
                before = counter.sent
                done, result = machines[number].image(forest, f"{counter.address}/{_NAME}", "--push")
                pushes[number].append(as_push(done, result, counter.sent - before))
                wheels[number].append(machines[number].wheels())
                model.change(forest)
    found = Arrivals(
        model=size_of(forest),
        first=tuple(pushes[0]),
        second=tuple(pushes[1]),
        wheels=tuple(wheels[0]),
        second_wheels=tuple(wheels[1]),
    )
    shutil.rmtree(machines[1].home)
    return found, machines[0]
