"""From everything known to one frozen `Plan`. Pure: nothing here reads, writes or asks."""

from __future__ import annotations

from collections.abc import Sequence

from .config import image_config, is_azure_like, own_labels, public_base, user
from .inputs import Inputs, Script
from .layers import plan_layers
from .types import Decision, Plan

__all__ = ["Inputs", "Script", "make_plan"]


def make_plan(inputs: Inputs, *, ranking: Sequence[str]) -> Plan:
    """The plan of one image. `ranking` names the wheels that get a layer of their own, most shared first."""
    return Plan(
        server=inputs.server.name,
        base=public_base(inputs) or inputs.base.name.partition(":")[0],
        base_digest=inputs.base.digest,
        python=inputs.base.interpreter.version,
        platform=f"linux/{inputs.base.architecture}",
        lock_digest=inputs.lock.digest,
        bytecode=inputs.bytecode,
        layers=plan_layers(inputs, ranking),
        config=image_config(inputs),
        annotations=own_labels(inputs),
        decisions=(*inputs.decisions, *_azure(inputs), *_resolution(inputs)),
        left_out=tuple((item.path, item.why) for item in inputs.model.left_out),
    )


def _azure(inputs: Inputs) -> tuple[Decision, ...]:
    """What follows from a base that is laid out like Azure's inference base."""
    if not is_azure_like(inputs):
        return ()
    name = user(inputs)[0]
    own = (inputs.base.config.get("config") or {}).get("User") == name
    return (
        Decision(
            what="interpreter",
            value=inputs.base.interpreter.executable,
            why="the environment that the base names with AZUREML_CONDA_ENVIRONMENT_PATH",
        ),
        Decision(
            what="user",
            value=name,
            why="the base's own user, as in Azure's inference base" if own else "the base names no user but root",
        ),
    )


def _resolution(inputs: Inputs) -> tuple[Decision, ...]:
    """What the resolver chose: packages laid down as others, and soft constraints that gave way."""
    swapped = (Decision(what="package", value=f"{s.old} -> {s.new}", why=s.why) for s in inputs.lock.substitutions)
    return (*swapped, *(Decision(what="packages", value="as resolved", why=note) for note in inputs.lock.notes))
