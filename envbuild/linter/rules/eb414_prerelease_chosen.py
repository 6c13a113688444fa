"""EB414: a pre-release that nobody asked for by name."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ...patterns import pattern
from ..base import BaseRule
from ..pins import pins_of
from ..types import Finding, Locked, Target

_PRERELEASE = pattern(r"(?:\d+!)?\d+(?:\.\d+)*[._-]?(?:a|b|c|rc|alpha|beta|pre|preview|dev)[._-]?\d*", 2)


class PrereleaseChosen(BaseRule):
    """A package that the model lists came out as a pre-release, though its requirement names none.

    *What it does*: compares the locked version of each listed package with its version range.

    *Why it breaks*: it need not. A pre-release is chosen where there is no release at all, or none that fits; its
    interface may change with the next one.

    *Example*: `azure-monitor-opentelemetry-exporter`, of which there are only beta versions.

    *Use instead*: a range that takes a release, or the pre-release by its version (`==1.0.0b40`).

    *Source*: PEP 440, handling of pre-releases.
    """

    code = "EB414"
    name = "prerelease-chosen"
    severity = "info"

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """One finding for each package; those that others bring are theirs to choose."""
        for package in locked.lock.packages:
            if not _PRERELEASE.match(package.version):
                continue
            pins = pins_of(model, target, package.name)
            if pins.listed and not any(_PRERELEASE.search(specifier) for specifier in pins.specifiers):
                yield self.finding(
                    f"{package.name} {package.version} is a pre-release, and nothing asks for one",
                    hint=f"give a range that takes a release, or write {package.name}=={package.version}",
                    spans=pins.spans,
                )
