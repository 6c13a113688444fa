"""From everything known to one frozen `Plan`. Pure: nothing here reads, writes or asks."""

from __future__ import annotations

from collections.abc import Sequence

from .config import image_config, public_base
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
        decisions=(*inputs.decisions, *_resolution(inputs)),
        left_out=tuple((item.path, item.why) for item in inputs.model.left_out),
    )


def _resolution(inputs: Inputs) -> tuple[Decision, ...]:
    """What the resolver chose: packages laid down as others, and soft constraints that gave way."""
    swapped = (Decision(what="package", value=f"{s.old} -> {s.new}", why=s.why) for s in inputs.lock.substitutions)
    return (*swapped, *(Decision(what="packages", value="as resolved", why=note) for note in inputs.lock.notes))
