"""EB703: one package both from conda and from pip."""

from __future__ import annotations

from collections.abc import Iterator

from ...facts import load_json
from ...model.requirement import canonical_name
from ...model.types import Model
from ..base import BaseRule
from ..conda_lines import TOOLS, without_line
from ..editing import requirements_of
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
        for dependency in model.environment.conda:
            if dependency.name in TOOLS:
                continue
            twins = load_json("conda_pypi.json")["twins"]
            name = canonical_name(twins.get(dependency.name, dependency.name))
            listed = [r for r in requirements_of(model, name) if r in model.environment.pip]
            if listed:
                edit = without_line(model, dependency)
                yield self.finding(
                    f"{dependency.name} is listed both as a conda package and in the pip list",
                    hint="keep the one in the pip list",
                    spans=[dependency.span, *(requirement.span for requirement in listed)],
                    edits=[edit] if edit else (),
                )
