"""EB704: a conda package that is no Python package."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ...model.conda_native import Native, native
from ...model.types import Model
from ..base import BaseRule
from ..conda_lines import without_line
from ..conda_way import is_conda_way
from ..sources import MOST
from ..types import Finding, Target


class CondaOnlyNative(BaseRule):
    """conda.yaml lists a library, a program or another language's package.

    *What it does*: knows conda packages that no Python package index has, or has something else under the name of.
    Where wheels or the base bring what it holds, or nothing of it can run, this is a warning. With `--target azure`,
    and where packages are taken from their conda channels, there is no finding.

    *Why it breaks*: with `--conda never` an image is laid down from Python wheels, and nothing of the package would be
    in it. The build stops, or leaves out with a note what it can do without.

    *Example*: `- cudatoolkit=11.8`, `- gdal`, `- openmpi`, `- r-base`.

    *Use instead*: what the finding says: a wheel that carries the library, a Debian package with `--apt NAME`, or
    nothing where wheels or the base bring it; then `--fix` takes the line out.

    *Source*: MLflow, `_PythonEnv.get_dependencies_from_conda_yaml`, which drops such lines with a warning.
    """

    code = "EB704"
    name = "conda-only-native"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each such package."""
        if target.azure or is_conda_way(model, target):
            return
        rows = ((dependency, native(dependency.name)) for dependency in model.environment.conda)
        for dependency, known in islice(((d, known) for d, known in rows if known is not None), MOST):
            edit = without_line(model, dependency) if known.needless else None
            yield self.finding(
                f"{dependency.name} is no Python package: {known.why}",
                hint=_way(known),
                spans=[dependency.span],
                edits=[edit] if edit else (),
                severity="warning" if known.needless else "error",
            )


def _way(known: Native) -> str:
    ways = ["take the line out of conda.yaml"]
    if known.pip:
        ways.append(f"list {' or '.join(known.pip)} in the pip list if the model imports it")
    if known.apt:
        ways.append(f"add {' '.join('--apt ' + name for name in known.apt)} if the model needs it")
    return "; ".join(ways)
