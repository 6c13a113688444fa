"""EB106: a pip list without pip."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model, Span
from ..base import BaseRule
from ..editing import may_edit
from ..listing import pip_list
from ..types import Edit, Finding, Target


class PipMissingInConda(BaseRule):
    """conda.yaml has a pip list, and pip is not among its packages.

    *What it does*: looks for `pip` among the conda packages where there is a `pip:` list.

    *Why it breaks*: conda warns and adds a pip by itself, of a version that nobody chose; some tools stop. The image is
    not affected: nothing is installed inside of it.

    *Example*: `dependencies: [python=3.11, {pip: [mlflow]}]`.

    *Use instead*: a line `- pip` before the pip list. `--fix` writes it.

    *Source*: conda, "Managing environments"; mlflow/mlflow issue 2148.
    """

    code = "EB106"
    name = "pip-missing-in-conda"
    severity = "info"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        environment = model.environment
        if environment.source != "conda.yaml" or not (environment.pip or environment.lines):
            return
        if any(dependency.name == "pip" for dependency in environment.conda):
            return
        file = environment.files[0]
        found = pip_list(file, model.texts.get(file, ""))
        span, indent = found if found is not None else (Span(file=file), None)
        edits: tuple[Edit, ...] = ()
        if indent is not None and may_edit(model):
            edits = (Edit(file=file, line=span.line - 1, text=f"{indent}- pip"),)
        yield self.finding(
            "conda.yaml has a pip list, and does not list pip itself",
            hint="--fix writes `- pip` before the list" if edits else "write `- pip` before the list",
            spans=[span],
            edits=edits,
        )
