"""What EB301 and EB302 share: a package that the server wants listed, the line to add it at, and the three ways on."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.types import Model
from ..servers import PROFILES
from ..servers.types import ServerPackage
from .base import BaseRule, environment_is_unreadable
from .listing import Insertion, insertions, missing_packages
from .types import Finding, Severity, Target


class ListedRule(BaseRule):
    """A rule about packages of the server profile that carry this rule's code."""

    def missing(self, model: Model, target: Target, *, severity: Severity, consequence: str) -> Iterator[Finding]:
        """One finding for each package of this code that the model does not list by name."""
        if environment_is_unreadable(model):
            return
        for package in missing_packages(model, target, self.code):
            if target.inject:
                yield self.finding(
                    f"{package.name} is not listed by the model; --inject adds it to this build alone", severity="info"
                )
                continue
            places = insertions(model, package.name, package.requirement)
            fixable = not model.uri and not any(place.refused for place in places)
            elsewhere = [r for r in model.environment.pip if r.name == package.name]
            but = f" for the image, where `{elsewhere[0].marker[:120]}` never holds" if elsewhere else ""
            yield self.finding(
                f"{package.name} is not among the model's requirements{but}: {consequence}",
                hint=_ways_on(model, target, package, places, fixable),
                spans=[*(place.span for place in places), *(r.span for r in elsewhere)],
                edits=[edit for place in places for edit in place.edits] if fixable else (),
                severity=severity,
            )


def _ways_on(model: Model, target: Target, package: ServerPackage, places: list[Insertion], fixable: bool) -> str:
    where = " and ".join(_where(place) for place in places)
    refused = "; ".join(f"{place.span.file}: {place.refused}" for place in places if place.refused)
    if fixable:
        first = f"--fix adds `{package.requirement}` at {where}"
    elif model.uri:
        first = f"add `{package.requirement}` at {where} (--fix is refused: the model was downloaded)"
    else:
        first = f"add `{package.requirement}` to {where} by hand (--fix is refused: {refused})"
    others = [p.name for p in PROFILES.values() if not any(needed.listed for needed in p.packages)]
    ways = [first, "--inject adds it to this build alone, and leaves the model as it is"]
    if others:
        ways.append(f"--server {' or --server '.join(others)} brings its own packages")
    return "one of three ways on:\n" + "\n".join(f"- {way}" for way in ways)


def _where(place: Insertion) -> str:
    """The file, with the line that the package would stand on where that is known."""
    if not place.edits:
        return place.span.file
    # An inserted line stands one below the line that it is put behind.
    return f"{place.span.file}:{place.edits[0].line + (place.edits[0].action == 'insert')}"
