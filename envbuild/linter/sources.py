"""Requirements that come from somewhere else than a package index: paths, addresses, repositories, editables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Literal

from ..model.markers import may_hold, split_marker
from ..model.types import Environment, Line, Model, Requirement, Span
from ..patterns import pattern
from ..records import dataclass
from .pins import python_of
from .types import Target

Kind = Literal["editable", "repository", "wheel path", "wheel address", "source path", "source address"]

_REPOSITORY = pattern(r"(?:git|hg|svn|bzr)\+[A-Za-z+]+:|git@[\w.-]+:")
_NAMED = pattern(r"[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\]\s*)?@\s*(?P<address>\S.*)")
_EDITABLE = pattern(r"(?:-e|--editable)(?:\s+|\s*=\s*)?(?P<rest>.*)")

# Findings of one rule: who has so many reads no more of them, and the others come when these are mended.
MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One such requirement. `text` is as written, `address` the path or address alone, without name and marker.

    An editable install has no marker: pip takes what looks like one for a part of the path.
    """

    kind: Kind
    text: str
    address: str
    span: Span
    marker: str = ""
    requirement: Requirement | None = None

    @property
    def bare(self) -> str:
        """The address without its fragment and query."""
        return self.address.partition("#")[0].partition("?")[0]

    @property
    def wheel(self) -> tuple[str, str]:
        """Name and version by the file name of a wheel; empty where it has none."""
        file = re.split(r"[\\/]", self.bare)[-1]
        parts = file.removesuffix(".whl").split("-")
        return (parts[0].replace("_", "-"), parts[1]) if file.endswith(".whl") and len(parts) >= 5 else ("", "")


def sources(environment: Environment) -> Iterator[Source]:
    """Those of an environment, each once, in the order of lines and then of named ones."""
    for line in environment.lines:
        found = of_line(line)
        if found is not None:
            yield found
    for requirement in environment.pip:
        if requirement.url:
            kind = _kind(requirement.url)
            yield Source(
                kind=kind,
                text=requirement.text,
                address=requirement.url,
                span=requirement.span,
                marker=requirement.marker,
                requirement=requirement,
            )


def of_line(line: Line) -> Source | None:
    """A line that is no requirement as a source; None for an option."""
    text = line.text.strip()
    editable = _EDITABLE.fullmatch(text) if text.startswith(("-e", "--editable")) else None
    if editable:
        return Source(kind="editable", text=text, address=split_marker(editable["rest"])[0], span=line.span)
    if text.startswith("-"):
        return None
    named = _NAMED.fullmatch(text)
    address, marker = split_marker(named["address"] if named else text)
    address = re.sub(r"(\.whl)\[[^\]]*\]", r"\1", address)
    return Source(kind=_kind(address), text=text, address=address, span=line.span, marker=marker)


def placed(model: Model, target: Target, *kinds: Kind) -> Iterator[tuple[Source, list[Span]]]:
    """The first MOST sources of these kinds, each with its place and that of the same text in the other files.

    What a marker leaves out of the image is none: no installer looks at it there.
    """
    python = python_of(model, target)
    here = (s for s in sources(model.environment) if s.kind in kinds and may_hold(s.marker, python, target.platform))
    found = list(islice(here, MOST))
    others: dict[str, list[Span]] = {source.text: [] for source in found}
    for other in (other for environment in model.others if found for other in sources(environment)):
        if len(others.get(other.text, ())) < MOST:
            others.get(other.text, []).append(other.span)
    for source in found:
        yield source, [source.span, *others[source.text]]


def _kind(address: str) -> Kind:
    if _REPOSITORY.match(address):
        return "repository"
    wheel = address.partition("#")[0].partition("?")[0].lower().endswith(".whl")
    if address.lower().startswith(("http://", "https://")):
        return "wheel address" if wheel else "source address"
    return "wheel path" if wheel else "source path"
