"""Which versions of the Azure ML inference server fit what a model pins: read off a table, without a solver.

The table (`facts/server_ladder.json`) is a ladder: each version of the server asks for other versions of Flask,
gunicorn, pydantic and OpenTelemetry, which models pin too, most of them through mlflow. The resolution tries its rungs
from the top; the rules use it where nothing is resolved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..facts import load_json
from ..model.requirement import version_range
from ..records import dataclass
from .guards import is_before

SERVER = "azureml-inference-server-http"
# What is asked for in any case: versions before lack the routes and the Python support of today's.
FLOOR = f"{SERVER}>=1.0"
_MLFLOW = ("mlflow", "mlflow-skinny")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One version of the server: what it asks of packages that models pin too, and what has to stand beside it.

    `requires` are specifiers by canonical name, `needs` requirements (`setuptools<82`). `python` is the range of minors
    of Python 3 that it installs on, the second exclusive and None for no end.
    """

    version: str
    python: tuple[int, int | None]
    requires: Mapping[str, str]
    needs: tuple[str, ...]

    @property
    def constraint(self) -> str:
        """The requirement that asks for this version or a newer one."""
        return f"{SERVER}>={self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why a version of the server does not fit: it asks for `wanted` of `package`, and `pin` allows `allowed` alone.

    `pin` is a requirement of the model (`mlflow==2.9.2`); `package` is empty where it is the Python that does not fit.
    """

    pin: str
    package: str = ""
    wanted: str = ""
    allowed: str = ""

    @property
    def text(self) -> str:
        """In words: `mlflow==2.9.2 caps gunicorn<22`."""
        if not self.package:
            return self.pin
        return self.pin if self.pin.startswith(self.package) else f"{self.pin} caps {self.package}{self.allowed}"


def rungs(*, below: bool = False) -> tuple[Rung, ...]:
    """The versions of the server from 1.0 on, the newest first; with `below` the older ones too."""
    floor = _release(str(_table()["floor"]))
    return tuple(
        Rung(
            version=str(row["version"]),
            python=(int(row["python"][0]), row["python"][1]),
            requires=row["requires"],
            needs=tuple(row["needs"]),
        )
        for row in _table()["servers"]
        if below or _release(str(row["version"])) >= floor
    )


def rung_of(version: str) -> Rung:
    """The rung that tells of a version of the server, which the table may lack: the newest one that is not newer."""
    return next((rung for rung in rungs() if not is_before(version, rung.version)), rungs()[-1])


def best_server(pins: Mapping[str, str], *, python: str = "", solver: bool = False) -> Rung | None:
    """The newest version of the server, from 1.0 on, that fits what a model pins; None where none does.

    `pins` are specifiers by canonical name (`{"mlflow": "==2.9.2"}`), `python` a version whose minor counts. It looks
    at the pins themselves and at what mlflow of that version asks for; other packages' wishes only a solver knows.
    `solver` is that of `obstacle`.
    """
    return next((rung for rung in rungs() if obstacle(rung, pins, python=python, solver=solver) is None), None)


def obstacle(rung: Rung, pins: Mapping[str, str], *, python: str = "", solver: bool = False) -> Obstacle | None:
    """The first reason why `rung` does not fit `pins` and `python`; None where it fits.

    `solver` passes by the upper ends of the Pythons, as uv does; pip heeds them.
    """
    minor = _minor(python)
    first, end = rung.python
    if minor is not None and (minor < first or (not solver and end is not None and minor >= end)):
        return Obstacle(pin=f"Python 3.{minor}")
    wanted = {SERVER: f"=={rung.version}", **rung.requires}
    for package, allowed, pin in _demands(pins):
        if package in wanted and disjoint(wanted[package], allowed):
            return Obstacle(pin=pin, package=package, wanted=wanted[package], allowed=allowed)
    return None


def _demands(pins: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Package, specifier and the pin that says so: of the pins themselves, then of the mlflow among them."""
    for name, specifier in pins.items():
        if specifier and name not in _MLFLOW:
            yield name, specifier, f"{name}{specifier}"
    for name in _MLFLOW:
        if pins.get(name):
            for package, allowed in mlflow_asks(pins[name], skinny=name == "mlflow-skinny").items():
                yield package, allowed, f"{name}{pins[name]}"


def mlflow_asks(specifier: str, *, skinny: bool = False) -> dict[str, str]:
    """What mlflow asks of the packages of the ladder, by name, in the newest version that `specifier` allows.

    Empty for a specifier that is none, and for one that allows the newest mlflow of all: then anything may come.
    """
    found: dict[str, str] = {}
    rows = _table()["mlflow"]
    marks = sorted({row["since"] for row in rows}, key=_release)
    newest = ""
    for since, until in zip(["0", *marks], [*marks, ""], strict=True):
        if not disjoint(specifier, f">={since}" + (f",<{until}" if until else "")):
            newest = since
    exact = specifier.startswith("==") and "," not in specifier and "*" not in specifier
    if not newest or (newest == marks[-1] and not exact):
        return {}
    for row in rows:
        if _release(row["since"]) <= _release(newest) and (row.get("skinny") or not skinny):
            found.update(row["requires"])
    return found


def disjoint(one: str, other: str) -> bool:
    """Whether no version satisfies both specifiers. One that cannot be read shuts nothing out."""
    first, second = (version_range(specifier, prereleases=True) for specifier in (one, other))
    try:
        return first is not None and second is not None and first.is_disjoint(second)
    except ValueError:
        return False


def _minor(python: str) -> int | None:
    """The minor of a version of Python 3; None for any other text."""
    parts = python.split(".")
    return int(parts[1]) if len(parts) > 1 and parts[0] == "3" and parts[1].isdecimal() else None


def _release(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = load_json("server_ladder.json")
    return table
