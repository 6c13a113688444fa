"""One requirement (PEP 508) in its parts.

Nearly every line of a model is `name[extras]op version`: those are split here. The others, and all that
is wrong, go to `packaging`, which is imported only then.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..patterns import pattern
from .types import Requirement, Span

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

_RELEASE = r"[0-9]+(?:\.[0-9]+)*"
_CLAUSE = rf"(?:(?:<=|>=|<|>|!=|==)\s*{_RELEASE}(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?|(?:==|!=)\s*{_RELEASE}\.\*)"
_SIMPLE = pattern(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*"
    r"(?:\[\s*(?P<extras>[A-Za-z0-9]+(?:\s*,\s*[A-Za-z0-9]+)*)\s*\]\s*)?"
    rf"(?P<clauses>{_CLAUSE}(?:\s*,\s*{_CLAUSE})*)?",
    re.ASCII,
)
_SINGLE_EQUALS = pattern(r"^[\w.\[\],-]+\s*=\s*[^=]", re.ASCII)


class InvalidRequirementError(Exception):
    """A text is no requirement. `start` and `end` are offsets into it."""

    def __init__(self, message: str, *, hint: str = "", start: int = 0, end: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.start = start
        self.end = end


def canonical_name(name: str) -> str:
    """The name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def version_range(specifier: str, *, prereleases: bool | None = None) -> SpecifierSet | None:
    """The versions that a specifier takes, to be compared with those of another; None for what is no specifier.

    `===X` is taken for `==X`, since `packaging` compares only those; None where X is no version of PEP 440.
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if re.search(r"===[^,]*\*", specifier):
        return None
    try:
        return SpecifierSet(specifier.replace("===", "=="), prereleases=prereleases)
    except InvalidSpecifier:
        return None


def parse_requirement(text: str, span_of: Callable[[int, int], Span]) -> Requirement:
    """The parts of `text`; `span_of(start, end)` says where a part of it stands.

    Raises InvalidRequirementError.
    """
    span = span_of(0, len(text))
    found = _SIMPLE.fullmatch(text)
    if found is None:
        return _parse_fully(text, span)
    clauses = {"".join(c.split()) for c in (found["clauses"] or "").split(",") if c}
    extras = {canonical_name(e.strip()) for e in (found["extras"] or "").split(",") if e}
    return Requirement(
        text=text,
        name=canonical_name(found["name"]),
        specifier=",".join(sorted(clauses)),
        extras=tuple(sorted(extras)),
        marker="",
        url="",
        span=span,
    )


def _parse_fully(text: str, span: Span) -> Requirement:
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Packaging

    try:
        parsed = Packaging(text)
    except (InvalidRequirement, RecursionError) as error:
        raise _explain(text, error) from None
    return Requirement(
        text=text,
        name=canonical_name(parsed.name),
        specifier=",".join(sorted({str(s) for s in parsed.specifier})),
        extras=tuple(sorted({canonical_name(e) for e in parsed.extras})),
        marker=str(parsed.marker) if parsed.marker is not None else "",
        url=parsed.url or "",
        span=span,
    )


def _explain(text: str, error: Exception) -> InvalidRequirementError:
    if isinstance(error, RecursionError):
        return InvalidRequirementError("it nests too deeply", end=len(text))
    reason = (str(error).splitlines() or ["it cannot be parsed"])[0]
    place = getattr(error.__cause__, "span", None)
    start, end = place if isinstance(place, tuple) else (0, len(text))
    hint = ""
    if _SINGLE_EQUALS.match(text):
        hint = "pip pins a version with `==`"
    elif "${" in text:
        hint = "variables are not expanded here: write the value"
    elif start >= len(text):
        start, end = max(len(text) - 1, 0), len(text)
    reason = reason[:1].lower() + reason[1:]
    return InvalidRequirementError(reason[:200], hint=hint, start=start, end=max(end, start + 1))
