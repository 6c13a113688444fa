"""Rules on two packages that do not run together, though the older one's metadata does not say so.

The pairs are facts: groups of packages that break beside one other package from one of its versions on, and of
packages that hold that other one back themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from ..facts import load_json
from ..model.types import Model
from .base import BaseRule
from .combos import for_others, serving, who_breaks
from .editing import requirements_of, respecified
from .pins import Pins, is_below, pins_of, python_of, release
from .types import Edit, Finding, Locked, Target


class PairRule(BaseRule):
    """A rule about the pairs in one file of facts.

    `facts` names the file that `groups` reads, `why` says in a few words why a pair breaks. `mended` tells that
    envbuild holds the other package back in its own image: then the files alone give a warning.
    """

    facts: ClassVar[str] = ""
    why: ClassVar[str]
    mended: ClassVar[bool] = False

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each group: what the files allow, and what is chosen then."""
        python = python_of(model, target)
        for group in self.groups(target):
            if python and release(python) < release(group.get("python", "0")):
                continue
            other = pins_of(model, target, group["with"])
            if other.unknown or other.below(group["from"]):
                continue
            old = [pins for row in group["packages"] if (pins := _old(model, target, row)) is not None]
            if old and not any(_holds_back(model, target, row) for row in group.get("caps", ())):
                yield self._by_files(model, target, group, old, other)

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """One finding for each pair that the chosen packages hold."""
        for group in self.groups(target):
            name, first = group["with"], group["from"]
            version = locked.version(name)
            if not version or is_below(version, first):
                continue
            for row in group["packages"]:
                found = locked.version(row["name"])
                ready = row.get("ready", row["below"])
                if is_below(found, ready) and not is_below(found, row.get("from", "0")):
                    other = pins_of(model, target, name)
                    yield self.finding(
                        f"{row['name']} {found} {self.why}, and {name} {version} comes beside it",
                        hint=f"list {name}<{first}, or {row['name']}>={ready}",
                        spans=[*pins_of(model, target, row["name"]).spans, *other.spans],
                        edits=_held_back(model, other, first),
                    )

    def groups(self, target: Target) -> list[dict[str, Any]]:
        """The groups that matter where that server answers.

        A group says `with` which package, `from` which version on, and from which `python` on if not from any. Its
        `packages` break in versions before `below`, some only `from` one on; `caps` are those that hold the other
        one back, `from` one version
        on and before `below`.
        """
        groups: list[dict[str, Any]] = load_json(self.facts)["groups"]
        return [group for group in groups if serving(target) in group.get("servers", (serving(target),))]

    def _by_files(self, model: Model, target: Target, group: dict[str, Any], old: list[Pins], other: Pins) -> Finding:
        name, first = group["with"], group["from"]
        forced = other.from_on(first)
        mended = (self.mended or _bounded_by_server(target, name)) and not forced and not target.azure
        said = f"{other.text} is asked for" if forced else f"{who_breaks(target)} installs a {name} from {first} on"
        return self.finding(
            f"{' and '.join(pins.text for pins in old)} {self.why}, and {said}",
            hint=f"list {name}<{first}"
            + ("; envbuild holds it back in its own image, other tools do not" if mended else ""),
            spans=[*(span for pins in old for span in pins.spans), *other.spans],
            edits=_held_back(model, other, first),
            severity=for_others(target) if mended else "error",
        )


def _bounded_by_server(target: Target, name: str) -> bool:
    """Whether the server brings an upper bound of its own for the package, in any of its editions."""
    texts = [
        text
        for edition in (target.server, *target.server.editions)
        for text in (*edition.constraints, *(package.requirement for package in edition.packages))
    ]
    return any(text.startswith(f"{name}<") for text in texts)


def _old(model: Model, target: Target, row: dict[str, Any]) -> Pins | None:
    """The lines for a package of which only versions that break can be chosen."""
    pins = pins_of(model, target, row["name"])
    broken = pins.listed and not pins.unknown and pins.below(row["below"])
    return pins if broken and not pins.below(row.get("from", "0")) else None


def _holds_back(model: Model, target: Target, row: dict[str, Any]) -> bool:
    """Whether a listed package holds the other one back itself, in the version that will be chosen."""
    pins = pins_of(model, target, row["name"])
    return pins.listed and not pins.unknown and pins.below(row["below"]) and not pins.below(row["from"])


def _held_back(model: Model, other: Pins, first: str) -> tuple[Edit, ...]:
    """The other package below `first`, its lower bounds kept; nothing where the model asks for a newer one, or pins it.

    A pin that stands in a file beside the one that counts is told by other rules.
    """
    pinned = any("==" in r.specifier for r in requirements_of(model, other.name) if model.may_hold(r))
    if other.unknown or other.from_on(first) or pinned:
        return ()
    clauses = [clause for specifier in other.specifiers for clause in specifier.split(",")]
    kept = dict.fromkeys(clause for clause in clauses if clause.startswith((">", "!=")))
    return respecified(model, other.name, ",".join([*kept, f"<{first}"]))
