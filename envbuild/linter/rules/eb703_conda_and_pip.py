"""EB703: one package both from conda and from pip."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ...facts import load_json
from ...model.condaspec import conda_range, has_version, pip_requirement
from ...model.markers import may_hold
from ...model.requirement import canonical_name, version_range
from ...model.types import CondaDependency, Model, Requirement
from ..base import BaseRule
from ..conda_lines import TOOLS, without_line
from ..editing import requirements_of, respecified
from ..markers import applies
from ..pins import python_of
from ..sources import MOST
from ..types import Edit, Finding, Target


class CondaAndPip(BaseRule):
    """A package is listed among the conda packages and in the pip list.

    *What it does*: compares the names of both, also where conda has another name for it than PyPI. Lines that their
    marker leaves out of the image are left aside.

    *Why it breaks*: conda installs one version, then pip puts its own over it, unless its line takes conda's, and the
    files of both lie in one folder. Which of them answers depends on the order.

    *Example*: `- numpy=1.26.4` among the conda packages, and `- numpy==1.26.4` in the pip list.

    *Use instead*: the one in the pip list, with the version that is wanted: `--fix` takes the other line out where the
    pip list asks for no other version than that, and `--unsafe-fixes` writes conda's version into the pip list.

    *Source*: conda, "Using pip in a conda environment"; conda/conda-lock issue 813.
    """

    code = "EB703"
    name = "conda-and-pip"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each package."""
        others = [dependency for dependency in model.environment.conda if dependency.name not in TOOLS]
        if not others:
            return
        twins = load_json("conda_pypi.json")["twins"]
        python = python_of(model, target)
        listed: dict[str, list[Requirement]] = {}
        for requirement in (*model.environment.pip, *model.environment.constraints):
            listed.setdefault(requirement.name, []).append(requirement)
        asked = frozenset(requirement.span for requirement in model.environment.pip)
        names = ((dependency, canonical_name(twins.get(dependency.name, dependency.name))) for dependency in others)
        both = ((d, name, _here(listed[name], python, target)) for d, name in names if name in listed)
        doubled = ((d, name, lines) for d, name, lines in both if any(line.span in asked for line in lines))
        for dependency, name, lines in islice(doubled, MOST):
            edits, safe, hint = _merged(model, dependency, name, [r for r in lines if applies(r.marker, python)])
            yield self.finding(
                f"{dependency.name} is listed both as a conda package and in the pip list",
                hint=hint,
                spans=[dependency.span, *[line.span for line in lines if line.span in asked][:MOST]],
                edits=edits,
                safe=safe,
            )


def _here(lines: list[Requirement], python: str, target: Target) -> list[Requirement]:
    return [line for line in lines if may_hold(line.marker, python, target.platform)]


def _merged(
    model: Model, dependency: CondaDependency, name: str, sure: list[Requirement]
) -> tuple[tuple[Edit, ...], bool, str]:
    """The edits that leave the line of the pip list alone, whether they are safe, and what is to be done, in words.

    `sure` are the lines, of constraints too, that hold in the image whatever else there is.
    """
    removal, range_ = without_line(model, dependency), conda_range(dependency.text)
    known = bool(range_) or not (has_version(dependency.text) or "[" in dependency.text)
    asked = ",".join(dict.fromkeys(r.specifier for r in sure if r.specifier))
    # An address is installed whatever conda has.
    if sure and (any(r.url for r in sure) or (known and _within(asked, range_))):
        return ((removal,) if removal else ()), True, "keep the one in the pip list"
    wanted = pip_requirement(name, dependency.text).removeprefix(name) if known else ""
    both = wanted if _within(wanted, asked) else f"{asked},{wanted}"
    lines = [r for r in requirements_of(model, name) if model.may_hold(r)]
    # A line that its marker may leave out, and one that asks for another version, are a person's to decide on.
    agreed = wanted and sure and {r.span for r in lines if r.marker} <= {r.span for r in sure}
    if removal and agreed and _meet(asked, wanted) and all(_within(both, r.specifier) for r in lines):
        edits = respecified(model, name, both)
        if edits:
            what = f"takes the line away, and writes its version into the pip list: `{name}{both}`"
            return (removal, *edits), False, f"--fix --unsafe-fixes {what}"
    return (), False, "keep one of the two, the one in the pip list with the version that is wanted"


def _within(narrow: str, wide: str) -> bool:
    """Whether each version that one specifier takes is taken by the other; False where that cannot be told."""
    inner, outer = version_range(narrow), version_range(wide)
    try:
        return inner is not None and outer is not None and inner.is_subset(outer)
    except ValueError:
        return False


def _meet(one: str, other: str) -> bool:
    """Whether a version is taken by both specifiers; False where that cannot be told."""
    first, second = version_range(one), version_range(other)
    try:
        return first is not None and second is not None and not first.is_disjoint(second)
    except ValueError:
        return False
