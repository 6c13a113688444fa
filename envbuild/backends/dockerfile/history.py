"""The layers of a built image, from the engine's history and the Dockerfile that made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...built import BuiltLayer
from ...patterns import pattern
from .instructions import Instruction, last_stage
from .steps import Done

_NOP = pattern(r"/bin/sh -c #\(nop\)\s*|\|\d+ .*?(?=/bin/sh)|/bin/sh -c ")
_BUILDKIT = pattern(r"\s*# buildkit\Z")
_MAKING = ("RUN", "COPY", "ADD")
_KINDS = (
    (pattern(r"ADD .*base\.tar"), "base"),
    (pattern(r"COPY .*--from=\S+ .*bytecode"), "bytecode"),
    (pattern(r"COPY .*--from="), "wheels"),
    (pattern(r"COPY .*\bserver/"), "server"),
    (pattern(r"COPY .*\bscript/"), "script"),
    (pattern(r"COPY .*\bfiles/"), "file"),
    (pattern(r"COPY .*\bmodel/"), "model"),
    (pattern(r"COPY .*\brecord/"), "record"),
)


def layers_of(
    history: Sequence[Mapping[str, Any]],
    diff_ids: Sequence[str],
    instructions: Sequence[Instruction],
    steps: Sequence[Done],
) -> tuple[BuiltLayer, ...]:
    """The layers, lowest first. `history` is the engine's answer, latest first.

    Entries that made no layer are left out. Where it cannot be told which layer is whose, `diff_id` is empty.
    """
    cached = {step.instruction.line for step in steps if step.cached and step.instruction is not None}
    entries = [(str(entry.get("CreatedBy") or ""), int(entry.get("Size") or 0)) for entry in reversed(history)]
    own = _matched(entries, last_stage(instructions))
    found: list[BuiltLayer] = []
    making: list[bool] = []
    for index, (text, size) in enumerate(entries):
        instruction = own.get(index)
        keyword = instruction.keyword if instruction else ""
        title = _short(instruction.text if instruction else _plain(text) or "base")
        making.append(bool(size) or keyword in _MAKING)
        if not making[-1]:
            continue
        kind = next((kind for form, kind in _KINDS if form.match(title)), "step") if instruction else "base"
        why = f"line {instruction.line} of the Dockerfile" if instruction else "of the image that FROM names"
        line = instruction.line if instruction else 0
        found.append(
            BuiltLayer(title=title, kind=kind, size=size, cached=line in cached or not line, why=why, diff_id="")
        )
    if len(found) == len(diff_ids):
        return tuple(replace(layer, diff_id=diff_id) for layer, diff_id in zip(found, diff_ids, strict=True))
    return tuple(found)


def _matched(entries: Sequence[tuple[str, int]], chain: Sequence[Instruction]) -> dict[int, Instruction]:
    """Which entry each instruction made: one each, counted from the last; as far as the keywords agree."""
    matched: dict[int, Instruction] = {}
    for index, instruction in zip(range(len(entries) - 1, -1, -1), reversed(chain), strict=False):
        text = _plain(entries[index][0])
        if instruction.keyword != "RUN" and not text.upper().startswith(instruction.keyword):
            break
        matched[index] = instruction
    return matched


def _plain(created_by: str) -> str:
    """The instruction in an engine's words, without what builders put before and behind it."""
    return _BUILDKIT.sub("", _NOP.sub("", created_by, count=1)).strip()


def _short(text: str, width: int = 72) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
