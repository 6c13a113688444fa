"""Requirements that belong to another system: left out, or turned into what can be laid down on Linux."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..model.foreign import foreign, leaves_linux_out
from ..model.markers import split_marker
from ..model.types import Requirement, Span
from .indexes import without_credentials
from .target import Platform


def for_platform(
    requirements: Iterable[Requirement], platform: Platform | None
) -> tuple[tuple[Requirement, ...], list[tuple[Span, str]]]:
    """Those whose marker holds on `platform`, all of them without one; and what is to be said of the others' links."""
    kept: list[Requirement] = []
    notes: list[tuple[Span, str]] = []
    for requirement in requirements:
        if platform is None or platform.holds(requirement.marker):
            kept.append(requirement)
        elif requirement.url:
            notes.append((requirement.span, left_out(requirement.text)))
    return tuple(kept), notes


def left_out(text: str) -> str:
    """What is said of a link or path that its marker leaves out, without credentials."""
    address, marker = split_marker(text)
    return f"{without_credentials(address)!r} is left out, its marker `{marker[:120]}` does not hold in the image"


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
