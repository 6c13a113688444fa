"""EB605: two indexes, and packages that either may give."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.markers import may_hold
from ...model.types import Model
from ..base import BaseRule
from ..pins import python_of
from ..types import Finding, Target


class ExtraIndexConfusion(BaseRule):
    """The model names an extra package index, and lists packages without an exact version.

    *What it does*: looks for `--extra-index-url` beside requirements that are not pinned with `==`; and for uv's own
    variable UV_INDEX_STRATEGY, where it is `unsafe-first-match` or `unsafe-best-match` and other indexes are named.

    *Why it breaks*: pip takes the highest version that any of the indexes offers. Whoever puts a higher version of your
    internal package on the public index gets it into the image. envbuild itself honours no index line of a model.

    *Example*: `--extra-index-url https://pypi.example.com/simple` and `- mylib`.

    *Use instead*: `mylib==1.2`, and for the build UV_INDEX=internal=https://pypi.example.com/simple: uv takes each
    package from the first index that has it.

    *Source*: uv, "Searching across multiple indexes"; mlflow/mlflow issue 22881 and pull request 22921.
    """

    code = "EB605"
    name = "extra-index-confusion"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding, at the index lines and the loose requirements."""
        lines = [line for line in model.environment.lines if line.text.startswith("--extra-index-url")]
        python = python_of(model, target)
        here = (r for r in model.environment.pip if may_hold(r.marker, python, target.platform))
        loose = [r for r in here if not r.url and not _exact(r.specifier) and r.name != "pip"]
        strategy = target.index_strategy
        unsafe = bool(strategy) and target.own_indexes and not target.azure
        if not loose or not (lines or unsafe):
            return
        names = list(dict.fromkeys(requirement.name for requirement in loose))
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        who = f"UV_INDEX_STRATEGY={strategy} makes uv take" if unsafe else "pip takes"
        which = "a version that fits" if strategy == "unsafe-first-match" and unsafe else "the highest version"
        yield self.finding(
            f"{who} {shown} from whichever of the indexes has {which}",
            hint="pin them with ==, and name the index in UV_INDEX for the build, without UV_INDEX_STRATEGY: there the "
            "first index that has a package wins" + ("; envbuild passes this line over" if lines else ""),
            spans=[*(line.span for line in lines), *(requirement.span for requirement in loose[:5])],
        )


def _exact(specifier: str) -> bool:
    return any(clause.startswith("==") and not clause.endswith(".*") for clause in specifier.split(","))
