"""EB702: a conda package pinned to one build."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ...model.types import Model
from ..base import BaseRule
from ..conda_lines import built, python_lines
from ..editing import may_edit, replaced
from ..sources import MOST
from ..types import Finding, Target


class BuildStringPin(BaseRule):
    """A conda package names its build as well as its version.

    *What it does*: looks for a third part in the match specs of conda.yaml, Python's own included. A pattern such as
    `*openblas`, which chooses a variant and no build, is left aside.

    *Why it breaks*: a build is for one platform and one set of other packages, and goes from the channel when it is
    rebuilt: the environment cannot be made anywhere else, or later.

    *Example*: `- numpy=1.21.2=py38h20f2e39_0`, as `conda env export` writes it.

    *Use instead*: `- numpy=1.21.2`, which `--fix` writes and `conda env export --no-builds` exports.

    *Source*: conda, "Package match specifications".
    """

    code = "EB702"
    name = "build-string-pin"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each such package."""
        lines = [(dependency.text, dependency.span) for dependency in model.environment.conda]
        lines = sorted([*lines, *python_lines(model)], key=lambda line: line[1].line)
        pinned = ((text, span, *parts) for text, span in lines if (parts := built(text))[0])
        for text, span, short, build in islice(pinned, MOST):
            edit = replaced(model, span, text, short, drops=(text,)) if may_edit(model) else None
            yield self.finding(
                f"{text} names the build {build}, which is there for one platform and not for ever",
                hint=f"write {short}",
                spans=[span],
                edits=[edit] if edit else (),
            )
