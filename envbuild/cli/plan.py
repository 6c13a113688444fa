"""`envbuild plan`: what would be built, and why, without building it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .options import backend_options, image_options, json_option, model_argument, quiet_option
from .values import make_options

if TYPE_CHECKING:
    from ..planner.types import Plan
    from .terminal import Terminal


@click.command("plan")
@model_argument
@image_options
@backend_options
@json_option
@quiet_option
def command(model: str, as_json: bool, quiet: bool, **flags: Any) -> None:
    """Show what the image of MODEL would be made of, and why. Nothing is built."""
    from .display import display
    from .result import say_json
    from .terminal import say, terminal

    options = make_options(**flags)
    from .. import api

    with display(terminal(), quiet=quiet) as shown:
        found = api.load(model, options=options, progress=shown)
        made = api.plan(found, options=options, progress=shown)
    if as_json:
        say_json(made.as_json())
        return
    out = terminal(sys.stdout)
    for line in lines(made, out):
        say(line)


def lines(plan: Plan, out: Terminal) -> list[str]:
    """The plan for a person: head, decisions, layers, what stays out."""
    from .terminal import printable
    from .text import plural, size, table

    def section(
        title: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], right: frozenset[int]
    ) -> list[str]:
        clean = [tuple(printable(cell.replace("\n", " ")) for cell in row) for row in rows]
        head, *body = table(heads, clean, right=right, width=out.width)
        return ["", out.style("bold", title), out.style("dim", head), *body]

    facts = [
        ("server", plan.server),
        ("base", f"{plan.base} {short(plan.base_digest)}"),
        ("python", plan.python),
        ("platform", plan.platform),
        ("bytecode", plan.bytecode),
        ("lock", short(plan.lock_digest)),
    ]
    text = [f"{out.style('dim', name.ljust(9))} {printable(value)}" for name, value in facts]
    decisions = [(d.what, d.value, d.why) for d in plan.decisions]
    text += section("Decisions", ("what", "value", "why"), decisions, frozenset())
    rows = []
    for number, layer in enumerate(plan.layers, start=1):
        holds = []
        if layer.wheels:
            amount = sum(wheel.size for wheel in layer.wheels) if layer.kind in ("wheel", "wheels") else 0
            holds.append(plural(len(layer.wheels), "packages") + (f", {size(amount)}" if amount else ""))
        if layer.files:
            holds.append(f"{plural(len(layer.files), 'files')}, {size(sum(f.size for f in layer.files))}")
        key = short(layer.diff_id or layer.key)
        rows.append((str(number), layer.title, ", ".join(holds), key, layer.why))
    text += section("Layers", ("#", "layer", "holds", "key", "why"), rows, frozenset({0}))
    if plan.left_out:
        text += section("Left out", ("path", "why"), plan.left_out, frozenset())
    return text


def short(digest: str) -> str:
    """The first 12 digits of a digest."""
    return digest.removeprefix("sha256:")[:12]
