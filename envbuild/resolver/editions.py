"""What the editions of a server make of the requirements: mlflow laid down whole, and held to their versions."""

from __future__ import annotations

import re
from dataclasses import replace

from ..servers.types import Server
from .requirements import Ask, Inputs, pinned
from .types import Substitution

_WHY_WHOLE = "the MLflow server of that version needs Flask, in the range that mlflow names and mlflow-skinny does not"


def with_whole(inputs: Inputs) -> Inputs:
    """Lay mlflow-skinny down as mlflow of the same version, and hold what constrains one for the other too."""
    changed = [
        Substitution(old=ask.text, new="mlflow" + ask.text.removeprefix("mlflow-skinny"), why=_WHY_WHOLE)
        for ask in inputs.asks
        if ask.name == "mlflow-skinny" and ask.link is None
    ]
    new = {change.old: change.new for change in changed}
    return replace(
        inputs,
        asks=tuple(replace(ask, name="mlflow", text=new[ask.text]) if ask.text in new else ask for ask in inputs.asks),
        constraints=(
            *inputs.constraints,
            *(
                replace(constraint, name="mlflow", text="mlflow" + constraint.text.removeprefix("mlflow-skinny"))
                for constraint in inputs.constraints
                if constraint.name == "mlflow-skinny"
            ),
        ),
        substitutions=(*inputs.substitutions, *changed),
    )


def mlflow_pin(inputs: Inputs) -> str:
    """The version of mlflow, whole or skinny, that the requirements pin; empty where they pin none, or several."""
    found = set()
    for ask in (*inputs.asks, *inputs.constraints):
        if ask.name in ("mlflow", "mlflow-skinny"):
            found.add(pinned(re.sub(r"\[[^]]*\]", "", ask.text)))
    versions = found - {""}
    return versions.pop() if len(versions) == 1 else ""


def within(inputs: Inputs, versions: str, server: Server) -> Inputs:
    """`inputs` with mlflow, whole and skinny, held to `versions`, a specifier."""
    held = tuple(
        Ask(name=name, text=name + versions, where=f"the {server.name} server") for name in ("mlflow", "mlflow-skinny")
    )
    return replace(inputs, constraints=(*inputs.constraints, *held))
