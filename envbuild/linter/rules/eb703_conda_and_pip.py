"""EB703: one package both from conda and from pip."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ...facts import load_json
from ...model.requirement import canonical_name
from ...model.types import Model, Span
from ..base import BaseRule
from ..conda_lines import TOOLS, without_line
from ..sources import MOST
from ..types import Finding, Target


class CondaAndPip(BaseRule):
    """A package is listed among the conda packages and in the pip list.

    *What it does*: compares the names of both, also where conda has another name for it than PyPI.

    *Why it breaks*: conda installs one version, then pip puts its own over it, and the files of both lie in one folder.
    Which of them answers depends on the order.

    *Example*: `- numpy=1.26.4` among the conda packages, and `- numpy==1.26.4` in the pip list.

    *Use instead*: the one in the pip list, which pip installs last: `--fix` takes the other line out.

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
        listed: dict[str, list[Span]] = {}
        for requirement in model.environment.pip:
            listed.setdefault(requirement.name, []).append(requirement.span)
        names = ((dependency, canonical_name(twins.get(dependency.name, dependency.name))) for dependency in others)
        for dependency, name in islice(((d, name) for d, name in names if name in listed), MOST):
            edit = without_line(model, dependency)
            yield self.finding(
                f"{dependency.name} is listed both as a conda package and in the pip list",
                hint="keep the one in the pip list",
                spans=[dependency.span, *listed[name][:MOST]],
                edits=[edit] if edit else (),
            )
