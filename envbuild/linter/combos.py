"""What the rules on package combinations share: whose image is judged, and how grave a finding is there.

envbuild puts most bad pairs right in its own image. A finding on the files alone is then a warning for everybody else
who installs from them, and an error where Azure ML does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..facts import load_json
from ..model.types import Model
from .pins import Pins, pins_of, python_of, release
from .types import Severity, Target

if TYPE_CHECKING:
    from ..resolver.ladder import Obstacle, Rung

SERVER = "azureml-inference-server-http"
MONITORING = "azureml-ai-monitoring"
CONTRIB = "azureml-contrib-services"


def on_azureml(target: Target) -> bool:
    """Whether the Azure ML inference server answers: Azure's own image has no other."""
    return serving(target) == "azureml"


def serving(target: Target) -> str:
    """The name of the server that answers."""
    return "azureml" if target.azure else target.server.name


def for_others(target: Target) -> Severity:
    """How grave it is where envbuild puts it right and Azure does not."""
    return "error" if target.azure else "warning"


def who_breaks(target: Target) -> str:
    """The subject of a sentence on what the files give as they are."""
    return "Azure ML" if target.azure else "pip or Azure ML"


def mlflow_of(model: Model, target: Target) -> Pins:
    """What the files ask of mlflow, whole or else skinny."""
    whole = pins_of(model, target, "mlflow")
    return whole if whole.listed else pins_of(model, target, "mlflow-skinny")


def ladder_pins(model: Model, target: Target, *, whole: bool) -> dict[str, str]:
    """What the files ask of the packages that the server's versions differ in, by canonical name, for the ladder.

    `whole` keeps a whole mlflow; otherwise it counts as mlflow-skinny, which envbuild lays down in its place.
    """
    names = {name for row in load_json("server_ladder.json")["servers"] for name in row["requires"]}
    pins = {name: pins_of(model, target, name) for name in sorted(names | {SERVER, "mlflow", "mlflow-skinny"})}
    asked = {name: ",".join(p.specifiers) for name, p in pins.items() if p.specifiers and not p.unknown}
    if not whole and "mlflow" in asked:
        asked["mlflow-skinny"] = asked.pop("mlflow")
    return asked


def held_back(model: Model, target: Target) -> bool:
    """Whether anything in the files may hold the server back: else its newest version fits, without any arithmetic."""
    pins = ladder_pins(model, target, whole=True)
    python = python_of(model, target)
    if python and release(python) < (3, 9):
        return True
    if mlflow_of(model, target).below("2.16"):
        return True
    rest = pins.keys() - {"mlflow", "mlflow-skinny"}
    return bool(rest - {SERVER}) or pins_of(model, target, SERVER).below("1.5.1")


def reached(model: Model, target: Target, *, whole: bool) -> Rung | None:
    """The newest version of the server, from 1.0 on, that fits the model's files; None where none does."""
    from ..resolver.ladder import best_server

    return best_server(ladder_pins(model, target, whole=whole), python=python_of(model, target))


def blocker(model: Model, target: Target, rung: Rung | None, *, whole: bool) -> Obstacle | None:
    """Why no newer version than `rung` can be chosen; of None, why the newest cannot. None where nothing is in the way.

    The server's own line comes last: it is told only where nothing else holds the server back.
    """
    from ..resolver.ladder import obstacle, rungs

    pins, python = ladder_pins(model, target, whole=whole), python_of(model, target)
    own = pins.pop(SERVER, "")
    newer = [r for r in rungs() if rung is None or release(r.version) > release(rung.version)]
    for pinned in (pins, {SERVER: own} if own else {}):
        for candidate in reversed(newer):
            found = obstacle(candidate, pinned, python=python)
            if found is not None:
                return found
    return None
