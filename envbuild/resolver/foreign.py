"""Requirements that belong to another system, turned into what can be laid down on Linux."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..model.foreign import foreign, leaves_linux_out
from ..model.types import Requirement, Span


def for_linux(requirements: Iterable[Requirement]) -> tuple[tuple[Requirement, ...], list[tuple[Span, str]]]:
    """What of `requirements` can be laid down on Linux, and what was done with the others, by their places.

    `tensorflow-macos` becomes `tensorflow` of the same version, unless that is listed itself. What a marker leaves out
    already, and what is given by an address, stays.
    """
    listed = tuple(requirements)
    names = {requirement.name for requirement in listed}
    kept: list[Requirement] = []
    notes: list[tuple[Span, str]] = []
    for requirement in listed:
        known = None if requirement.url else foreign(requirement.name)
        if known is None or leaves_linux_out(requirement.marker):
            kept.append(requirement)
            continue
        said = f"{requirement.name} is for {known.system} alone"
        if known.instead and known.instead not in names:
            notes.append((requirement.span, f"{said}, and is laid down as {known.instead}{requirement.specifier}"))
            kept.append(replace(requirement, name=known.instead, extras=()))
        else:
            notes.append((requirement.span, f"{said}, and is left out"))
    return tuple(kept), notes
