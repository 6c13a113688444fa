"""The edits that rules propose: of one place, of one line, or of a requirement in every file that lists it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..model.texts import is_yaml, split_lines
from ..model.types import Model, Requirement, Span
from ..patterns import pattern
from .hashes import hashed
from .listing import insertions, quoted
from .types import Edit

_NAME = pattern(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


def requirements_of(model: Model, name: str) -> list[Requirement]:
    """Every line of the model's environment files that lists the package `name` (canonical), those that count first."""
    found: dict[Span, Requirement] = {}
    for environment in (model.environment, *model.others):
        for requirement in environment.pip:
            if requirement.name == name:
                found.setdefault(requirement.span, requirement)
    return list(found.values())


def may_edit(model: Model) -> bool:
    """Whether a fix can be written: not for a download, nor for an environment file that is not the model's."""
    return not model.uri and model.environment.source != "given"


def replaced(model: Model, span: Span, old: str, new: str, *, drops: Sequence[str] = ()) -> Edit | None:
    """Write `new` for `old`, which stands at or behind `span`'s beginning on its line, before a comment.

    In YAML `new` is escaped as the quotes around it want, and gets quotes where a list in brackets needs them. None
    where `old` does not stand there, or `new` could not be written so that it is read again.
    """
    line = _line(model, span)
    begin = max(span.column - 1, 0)
    yaml = is_yaml(span.file)
    quote = line[begin - 1 : begin] if yaml and begin and line[begin - 1] in "'\"" else ""
    raw_old, raw_new = _escaped(old, quote), _escaped(new, quote)
    start = line.find(raw_old, begin)
    comment = None if quote else re.search(r"(?:^|\s)#", line[begin:])
    if not old or start < 0 or (comment is not None and start >= begin + comment.start()):
        return None
    end = start + len(raw_old)
    if yaml and not quote and _in_brackets(line[:begin]):
        # Only the whole text can be put into quotes.
        whole = start == begin and line[end:].lstrip()[:1] in ("", ",", "]", "}", "#")
        if quoted(new) != new and not whole:
            return None
        raw_new = quoted(new) if whole else new
    elif yaml and not quote and re.search(r":\s|\s#|^[\s\-?:,\[\]{}#&*!|>'\"%@`]|[\s:]$", new):
        return None
    return Edit(
        file=span.file, line=span.line, text=line[:start] + raw_new + line[end:], action="replace", drops=tuple(drops)
    )


def removed(model: Model, requirement: Requirement) -> Edit | None:
    """Take the line of a requirement away. None where it shares the line, or is the only one of its list."""
    span = requirement.span
    line = _line(model, span)
    begin = span.column - 1
    quote = line[begin - 1 : begin] if is_yaml(span.file) and begin and line[begin - 1] in "'\"" else ""
    text = _escaped(requirement.text, quote)
    head, tail = line[:begin].strip(" \t-'\""), line[begin + len(text) :].partition("#")[0].strip(" \t'\"")
    siblings = [r for e in (model.environment, *model.others) for r in e.pip if r.span.file == span.file]
    alone = len({r.span for r in siblings}) < 2
    if head or tail or alone or line.rstrip().endswith("\\") or not line.startswith(text, begin):
        return None
    return Edit(file=span.file, line=span.line, action="delete", drops=(requirement.text,))


def respecified(model: Model, name: str, specifier: str) -> tuple[Edit, ...]:
    """Give the package `name` the version range `specifier` (`<2`, `==1.3.2`) in every file that lists it.

    A line that its marker leaves out of the image says nothing of it, and stays as it is.
    Where the file that counts does not list it, it is added there, and to requirements.txt beside it. Empty where that
    cannot be done safely in all of them: on a line with hashes, or with an address in place of a version.
    """
    if not may_edit(model):
        return ()
    edits: list[Edit | None] = []
    with_hash = {span for environment in (model.environment, *model.others) for span in hashed(environment)}
    for requirement in requirements_of(model, name):
        if not model.may_hold(requirement):
            continue  # It says nothing of the image.
        if requirement.span in with_hash or requirement.url:
            return ()
        head, _, marker = requirement.text.partition(";")
        bare = _without_specifier(head.rstrip())
        new = f"{bare}{specifier}" + (f" ; {marker.strip()}" if marker else "")
        if new != requirement.text:
            edits.append(replaced(model, requirement.span, requirement.text, new, drops=(requirement.text,)))
    if not model.lists(name):
        for place in insertions(model, name, f"{name}{specifier}"):
            if place.refused:
                return ()
            edits += place.edits
    return tuple(edit for edit in edits if edit is not None) if None not in edits else ()


def renamed(model: Model, name: str, new: str, *, specifier: str | None = None) -> tuple[Edit, ...]:
    """List the package `new` in the place of `name`, in every file that lists it, with the same versions and markers.

    `specifier` gives it other versions. Empty where that cannot be done in all of them, or where `new` is listed too.
    """
    requirements = requirements_of(model, name)
    with_hash = {span for environment in (model.environment, *model.others) for span in hashed(environment)}
    if not may_edit(model) or requirements_of(model, new) or any(r.span in with_hash or r.url for r in requirements):
        return ()
    edits: list[Edit | None] = []
    for requirement in requirements:
        text = requirement.text
        rest = _NAME.sub("", text, count=1)
        if specifier is not None:
            marker = text.partition(";")[2].strip()
            rest = specifier + (f" ; {marker}" if marker else "")
        edits.append(replaced(model, requirement.span, text, new + rest, drops=(text,)))
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


def _escaped(text: str, quote: str) -> str:
    """`text` as it is written between quotes of YAML."""
    if quote == "'":
        return text.replace("'", "''")
    return text.replace("\\", "\\\\").replace('"', '\\"') if quote else text


def _in_brackets(before: str) -> bool:
    """Whether a text with this before it on its line may be an item of a list in brackets."""
    return not re.fullmatch(r"\s*(?:-\s+)*(?:[\w.-]+\s*:\s+)?", before) or not re.search(r"[-:]\s+$", before)


def _without_specifier(text: str) -> str:
    for index, sign in enumerate(text):
        if sign in "<>=!~@(" or (sign.isspace() and text[index:].strip()[:1] in tuple("<>=!~@(")):
            return text[:index].rstrip()
    return text


def _line(model: Model, span: Span) -> str:
    lines = split_lines(span.file, model.texts.get(span.file, ""))
    return lines[span.line - 1] if 0 < span.line <= len(lines) else ""
