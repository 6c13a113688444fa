"""What the rules on package combinations share: whose image is judged, and how grave a finding is there.

envbuild puts most bad pairs right in its own image. A finding on the files alone is then a warning for everybody else
who installs from them, and an error where Azure ML does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..facts import load_json
from ..model.types import Model
from ..records import dataclass
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


def reached(model: Model, target: Target, *, whole: bool, solver: bool = False) -> Rung | None:
    """The newest version of the server, from 1.0 on, that fits the model's files; None where none does.

    `solver` passes by the upper ends of the Pythons, as envbuild's own solver does; pip heeds them.
    """
    from ..resolver.ladder import best_server

    return best_server(ladder_pins(model, target, whole=whole), python=python_of(model, target), solver=solver)


def blocker(model: Model, target: Target, rung: Rung, *, whole: bool) -> Obstacle | None:
    """Why no newer version than `rung` can be chosen; None where nothing is in the way.

    The server's own line comes last: it is told only where nothing else holds the server back.
    """
    from ..resolver.ladder import obstacle, rungs

    pins, python = ladder_pins(model, target, whole=whole), python_of(model, target)
    own = pins.pop(SERVER, "")
    newer = [r for r in rungs() if release(r.version) > release(rung.version)]
    for pinned in (pins, {SERVER: own} if own else {}):
        for candidate in reversed(newer):
            found = obstacle(candidate, pinned, python=python)
            if found is not None:
                return found
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadEnd:
    """Why no version of the server is left: the `names` of the lines that stand against each other.

    `package` is what server and model differ in, empty where it is the server's own line. `python` is the version of
    Python that has its part in it, else empty.
    """

    names: tuple[str, ...]
    package: str = ""
    python: str = ""


def dead_end(model: Model, target: Target, *, whole: bool) -> DeadEnd | None:
    """Why `reached` finds nothing; None where it is the Python alone.

    Of several pins the first one is told that the oldest version does not go with: a pin can be changed, Python hardly.
    """
    from ..resolver.ladder import best_server, obstacle, rungs

    pins, python = ladder_pins(model, target, whole=whole), python_of(model, target)
    part = python if best_server(pins) is not None else ""
    own = {SERVER: pins.pop(SERVER)} if SERVER in pins else {}
    asked = [rung for rung in rungs() if obstacle(rung, own) is None]
    if not asked:
        return DeadEnd(names=(SERVER,))
    # The server's line has its part only where there is a version that it shuts out.
    beside = (SERVER,) if best_server(pins, python=python) is not None else ()
    for heeded in (python, ""):
        for rung in reversed(asked):
            found = obstacle(rung, pins, python=heeded)
            if found is not None and found.package:
                name = found.pin.partition("=")[0].rstrip("<>!~")
                return DeadEnd(names=(name, *beside), package=found.package, python=part)
    return DeadEnd(names=beside, python=part) if beside else None
