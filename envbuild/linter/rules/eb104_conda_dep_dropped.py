"""EB104: a Python package that only conda could install."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.conda_native import native
from ...model.conda_twins import on_pypi, twin
from ...model.requirement import canonical_name
from ...model.types import CondaDependency, Model
from ..base import BaseRule
from ..conda_lines import TOOLS, without_line
from ..conda_way import is_conda_way
from ..editing import added, may_edit, requirements_of, respecified
from ..types import Edit, Finding, Target

# The edits of one package read the whole list: a further round of --fix moves what is left.
_AT_ONCE = 20


class CondaDepDropped(BaseRule):
    """A Python package stands among the conda packages of conda.yaml.

    *What it does*: looks at each conda package besides python, pip, setuptools and wheel. What is no Python package at
    all is EB704's. With `--target azure`, and where packages are taken from their conda channels, there is no finding.

    *Why it breaks*: with `--conda never` the image holds wheels alone, so nothing is built. With `auto` this is a
    warning: PyPI's package of the same version is taken. MLflow's own virtualenv and uv environments drop such packages
    without an error, and the model then stops at its first import.

    *Example*: `- scikit-learn=1.2.2` under `dependencies:`.

    *Use instead*: `- scikit-learn==1.2.2` in the pip list. `--unsafe-fixes` moves packages whose name on PyPI is known:
    a wheel of PyPI can be built otherwise than conda's package.

    *Source*: mlflow/mlflow pull request 5727; MLflow, `_PythonEnv.get_dependencies_from_conda_yaml`.
    """

    code = "EB104"
    name = "conda-dep-dropped"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each package."""
        if target.azure or is_conda_way(model, target):
            return
        moved = 0
        never = target.conda == "never"
        for dependency in model.environment.conda:
            if dependency.name in TOOLS or native(dependency.name) is not None:
                continue
            name, requirement = on_pypi(dependency.name), twin(dependency)
            edits: tuple[Edit, ...] = ()
            hint = "move it to the pip list, under the name and with a version that PyPI has"
            if requirement:
                edits, hint = _moved(model, dependency, name, requirement)
                edits = edits if moved < _AT_ONCE else ()
                hint = f"--fix --unsafe-fixes {hint}" if edits else f"write `{requirement}` into the pip list instead"
            moved += bool(edits)
            yield self.finding(
                f"{dependency.name} is a conda package, and "
                + ("--conda never takes packages from PyPI alone" if never else "PyPI's package of it is taken"),
                hint=hint,
                spans=[dependency.span],
                edits=edits,
                safe=False,
                severity="error" if never else "warning",
            )


def _moved(model: Model, dependency: CondaDependency, name: str, requirement: str) -> tuple[tuple[Edit, ...], str]:
    """The edits that take the line away and have its version in the pip list, and what they do, in words.

    No edits where the pip list has the package without a version, and another file has it with one.
    """
    removal = without_line(model, dependency)
    if removal is None or not may_edit(model):
        return (), ""
    listed = requirements_of(model, canonical_name(name))
    here = [r for r in listed if r.span.file in model.environment.files]
    specifier = requirement.removeprefix(name)
    if here and (not specifier or all(r.specifier or r.url for r in here)):
        return (removal,), "takes the line away: the pip list has it"
    if here:
        bare = not any(r.specifier for r in listed)
        edits = respecified(model, canonical_name(name), specifier) if bare else ()
        what = f"takes the line away, and writes its version into the pip list: `{requirement}`"
    else:
        edits = added(model, canonical_name(name), requirement)
        what = f"moves it to the pip list as `{requirement}`"
    return ((removal, *edits), what) if edits else ((), "")
