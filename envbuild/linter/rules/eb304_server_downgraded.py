"""EB304: a version of the server from before its first."""

from __future__ import annotations

from collections.abc import Iterator

from ...facts import load_json
from ...model.types import Model
from ..base import BaseRule
from ..combos import SERVER, DeadEnd, dead_end, held_back, mlflow_of, on_azureml, reached
from ..editing import respecified
from ..pins import Pins, is_below, pins_of
from ..types import Edit, Finding, Locked, Target


class ServerDowngraded(BaseRule):
    """An installer steps down to a version of the server before 1.0, or no version from 1.0 on is left at all.

    *What it does*: compares what each version of the server asks for with what the model pins and with its Python. It
    looks for pins that no version from 1.0 on goes with, and for those beside which an installer is known to step down,
    where the server's line has no lower bound.

    *Why it breaks*: nothing tells of the step. The server before 1.0 is of 2022: it lacks the routes and the Python
    support of today's, and is not made for the Flask that it gets. envbuild never goes below 1.0: its build stops
    where only such a version is left. Before 1.3 the server's inference-schema names no Python from 3.12 on; pip
    refuses it there, and envbuild's solver takes it.

    *Example*: `mlflow==2.9.2` beside `azureml-inference-server-http` gives 0.7.7 with uv, and `flask==2.3.3` with pip
    too.

    *Use instead*: `azureml-inference-server-http>=1.0`, and no pin for what the server brings.

    *Source*: azureml-inference-server-http, metadata of 0.7.7, which names no bounds for Flask.
    """

    code = "EB304"
    name = "server-downgraded"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        server = pins_of(model, target, SERVER)
        if not on_azureml(target) or not server.listed or server.unknown or not held_back(model, target):
            return
        if reached(model, target, whole=target.azure) is None:
            yield from self._no_version(model, target, server)
            return
        mlflow, facts = pins_of(model, target, "mlflow"), load_json("server_downgrade.json")
        known = mlflow.below(facts["mlflow"]["below"]) and not mlflow.below(facts["mlflow"]["from"])
        if known and mlflow.listed and not mlflow.unknown and not server.from_on("1.0"):
            yield self.finding(
                f"{mlflow.text} caps gunicorn, and an installer may step down to version {facts['server']} of the "
                "server, as uv does",
                hint="hold the server from 1.0 on"
                + ("" if target.azure else "; envbuild does so in its own image, other tools do not"),
                spans=[*server.spans, *mlflow.spans],
                edits=_floored(model, server),
                severity="warning",
            )

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """At most one finding."""
        version = locked.version(SERVER)
        if on_azureml(target) and is_below(version, "1.0"):
            server = pins_of(model, target, SERVER)
            yield self.finding(
                f"version {version} of the server is chosen, which is from before 1.0",
                hint="hold the server from 1.0 on; the resolution then names what stands against it",
                spans=server.spans,
                edits=_floored(model, server),
            )

    def _no_version(self, model: Model, target: Target, server: Pins) -> Iterator[Finding]:
        why = dead_end(model, target, whole=target.azure)
        if why is None or _told_elsewhere(model, target, why):
            return
        pins = [mlflow_of(model, target) if n.startswith("mlflow") else pins_of(model, target, n) for n in why.names]
        by_solver = None if target.azure else reached(model, target, whole=False, solver=True)
        if why.names == (SERVER,) and not why.python:
            said = f"{server.text} takes no version of the server from 1.0 on"
        else:
            where = f" on Python {why.python}" if why.python else ""
            said = f"no version of the server from 1.0 on goes with {' and '.join(p.text for p in pins)}{where}"
        yield self.finding(
            said,
            hint=_way_out(why)
            + (
                f"; envbuild takes version {by_solver.version} all the same, pip and Azure ML do not"
                if by_solver
                else ""
            ),
            spans=list(dict.fromkeys([*server.spans, *(span for p in pins for span in p.spans)])),
            severity="warning" if by_solver else "error",
        )


def _told_elsewhere(model: Model, target: Target, why: DeadEnd) -> bool:
    """Whether another rule tells of what the server and the model differ in: EB305, EB307 or EB309."""
    if why.names != (SERVER,) and pins_of(model, target, "pydantic").below("2"):
        return True
    if why.package == "wrapt":
        return pins_of(model, target, "wrapt").from_on("1.16.1")
    return why.package.startswith("opentelemetry")


def _way_out(why: DeadEnd) -> str:
    if why.names == (SERVER,):
        return f"ask for {SERVER}>=1.0"
    if why.names[0] == "mlflow":
        return "list mlflow-skinny in the place of mlflow"
    if why.names[0] == "mlflow-skinny":
        return "let an older version of the server in"
    return f"leave it to the server which {why.package} it brings"


def _floored(model: Model, server: Pins) -> tuple[Edit, ...]:
    """The server's line with a lower bound; nothing where its upper one stands against it."""
    if server.below("1.0"):
        return ()
    kept = dict.fromkeys(clause for specifier in server.specifiers for clause in specifier.split(","))
    return respecified(model, SERVER, ",".join([">=1.0", *(clause for clause in kept if clause[:1] in "<!~")]))
