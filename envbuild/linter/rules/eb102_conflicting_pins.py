"""EB102: two pins of one package that no version satisfies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model.condaspec import conda_range
from ...model.requirement import canonical_name, version_range
from ...model.types import Model, Requirement, Span
from ...records import dataclass
from ..base import BaseRule
from ..conda_lines import TOOLS
from ..markers import applies
from ..pins import python_of
from ..types import Finding, Target

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pin:
    """What one line asks of a package. `asks` is False for a constraint, which alone installs nothing."""

    name: str
    specifier: str
    marker: str
    span: Span
    asks: bool = True


class ConflictingPins(BaseRule):
    """A package is listed with version ranges that have no version in common.

    *What it does*: compares all lines for one package, conda packages and constraints included, and each line with
    itself. Lines whose marker does not hold for the image are left aside, and so are conda's own pip, setuptools and
    wheel, which are no part of the image.

    *Why it breaks*: nothing can be resolved.

    *Example*: `- numpy=1.26.4` among the conda packages and `- numpy==2.1.0` in the pip list.

    *Use instead*: one of the two.

    *Source*: PEP 440; conda/conda-lock issues 540 and 813.
    """

    code = "EB102"
    name = "conflicting-pins"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each package, naming the first two lines that disagree."""
        environment = model.environment
        pins = [
            _Pin(name=d.name, specifier=conda_range(d.text), marker="", span=d.span)
            for d in environment.conda
            if d.name not in TOOLS  # The image leaves those of conda aside.
        ]
        pins = [_Pin(name=canonical_name(p.name), specifier=p.specifier, marker="", span=p.span) for p in pins]
        pins += [_of(r, asks=True) for r in environment.pip if not r.url]
        pins += [_of(r, asks=False) for r in environment.constraints if not r.url]
        by_name: dict[str, list[_Pin]] = {}
        for pin in pins:
            if pin.specifier:
                by_name.setdefault(pin.name, []).append(pin)
        python = python_of(model, target)
        for name, group in by_name.items():
            yield from self._in_group(name, group, python)

    def _in_group(self, name: str, group: list[_Pin], python: str) -> Iterator[Finding]:
        # Only a range of several clauses, or a second line, needs the version arithmetic and its import.
        if len({pin.specifier for pin in group}) < 2 and not any("," in pin.specifier for pin in group):
            return
        ranges = [(pin, version_range(pin.specifier)) for pin in group if applies(pin.marker, python)]
        for index, (pin, range_) in enumerate(ranges):
            if range_ is None:
                continue
            if pin.asks and "," in pin.specifier and range_.is_unsatisfiable():
                yield self.finding(f"no version of {name} satisfies {pin.specifier}", spans=[pin.span])
                return
            for other, other_range in ranges[:index]:
                if other_range is not None and (pin.asks or other.asks) and _disjoint(range_, other_range):
                    yield self.finding(
                        f"no version of {name} satisfies both {other.specifier} and {pin.specifier}",
                        hint="keep one of the two, or make their ranges meet",
                        spans=[other.span, pin.span],
                    )
                    return


def _of(requirement: Requirement, *, asks: bool) -> _Pin:
    return _Pin(
        name=requirement.name,
        specifier=requirement.specifier,
        marker=requirement.marker,
        span=requirement.span,
        asks=asks,
    )


def _disjoint(one: SpecifierSet, other: SpecifierSet) -> bool:
    """Whether no version satisfies both; False where that cannot be told."""
    try:
        return one.is_disjoint(other)
    except ValueError:
        return False
