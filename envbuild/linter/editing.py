"""The edits that rules propose: of one place, of one line, or of a requirement in every file that lists it."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.texts import split_lines
from ..model.types import Model, Requirement, Span
from .hashes import hashed
from .listing import insertions
from .types import Edit


def requirements_of(model: Model, name: str) -> list[Requirement]:
    """Every line of the model's environment files that lists the package `name` (canonical), those that count first."""
    found: list[Requirement] = []
    for environment in (model.environment, *model.others):
        found += [r for r in environment.pip if r.name == name and r.span not in [f.span for f in found]]
    return found


def may_edit(model: Model) -> bool:
    """Whether a fix can be written: not for a download, nor for an environment file that is not the model's."""
    return not model.uri and model.environment.source != "given"


def replaced(model: Model, span: Span, old: str, new: str, *, drops: Sequence[str] = ()) -> Edit | None:
    """Write `new` for `old`, which stands at or behind `span`'s beginning on its line. None if it does not."""
    line = _line(model, span)
    start = line.find(old, max(span.column - 1, 0))
    if not old or start < 0:
        return None
    text = line[:start] + new + line[start + len(old) :]
    return Edit(file=span.file, line=span.line, text=text, action="replace", drops=tuple(drops))


def removed(model: Model, requirement: Requirement) -> Edit | None:
    """Take the line of a requirement away. None where it shares the line, or is the only one of its list."""
    span = requirement.span
    line = _line(model, span)
    head, tail = line[: span.column - 1].strip(" \t-'\""), line[span.end_column - 1 :].partition("#")[0].strip(" \t'\"")
    siblings = [r for e in (model.environment, *model.others) for r in e.pip if r.span.file == span.file]
    if head or tail or len(siblings) < 2 or line.rstrip().endswith("\\"):
        return None
    return Edit(file=span.file, line=span.line, action="delete", drops=(requirement.text,))


def respecified(model: Model, name: str, specifier: str) -> tuple[Edit, ...]:
    """Give the package `name` the version range `specifier` (`<2`, `==1.3.2`) in every file that lists it.

    Where none lists it, it is added to the file that counts and to requirements.txt beside it. Empty where that
    cannot be done safely in all of them.
    """
    if not may_edit(model):
        return ()
    edits: list[Edit | None] = []
    with_hash = {span for environment in (model.environment, *model.others) for span in hashed(environment)}
    for requirement in requirements_of(model, name):
        if requirement.span in with_hash:
            return ()
        head, _, marker = requirement.text.partition(";")
        bare = _without_specifier(head.rstrip())
        new = f"{bare}{specifier}" + (f" ; {marker.strip()}" if marker else "")
        if new != requirement.text:
            edits.append(replaced(model, requirement.span, requirement.text, new, drops=(requirement.text,)))
    if not requirements_of(model, name):
        for place in insertions(model, name, f"{name}{specifier}"):
            if place.refused:
                return ()
            edits += place.edits
    return tuple(edit for edit in edits if edit is not None) if None not in edits else ()


def added(model: Model, name: str, requirement: str) -> tuple[Edit, ...]:
    """Add `requirement` of the package `name` at the end of the lists; empty where that cannot be done."""
    if not may_edit(model):
        return ()
    places = insertions(model, name, requirement)
    return () if any(p.refused for p in places) else tuple(edit for place in places for edit in place.edits)


def spans_of(model: Model, *names: str) -> tuple[Span, ...]:
    """The places of all lines that list one of the packages."""
    return tuple(requirement.span for name in names for requirement in requirements_of(model, name))


def _without_specifier(text: str) -> str:
    for index, sign in enumerate(text):
        if sign in "<>=!~@(" or (sign.isspace() and text[index:].strip()[:1] in tuple("<>=!~@(")):
            return text[:index].rstrip()
    return text


def _line(model: Model, span: Span) -> str:
    lines = split_lines(span.file, model.texts.get(span.file, ""))
    return lines[span.line - 1] if 0 < span.line <= len(lines) else ""
