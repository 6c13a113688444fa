"""EB202: nothing says which Python the model needs."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model, Span
from ..base import BaseRule, environment_is_unreadable
from ..types import Finding, Target


class PythonMissing(BaseRule):
    """No file names the Python version.

    *What it does*: looks for one minor version in conda.yaml or python_env.yaml, and then for `python_version` of the
    python_function flavor.

    *Why it breaks*: pickled code runs only on the minor version that wrote it, and wheels are chosen by it.

    *Example*: conda.yaml with `- python>=3.9`, and no `python_version` in MLmodel.

    *Use instead*: `- python=3.11` in conda.yaml, or `--python 3.11`.

    *Source*: MLflow, `mlflow.utils.environment`.
    """

    code = "EB202"
    name = "python-missing"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        if target.python or environment_is_unreadable(model):
            return
        pin = model.environment.python
        recorded = model.mlmodel.python_version.split(".") if model.mlmodel else []
        if (pin is not None and pin.minor) or (len(recorded) >= 2 and all(p.isdecimal() for p in recorded[:2])):
            return
        files = model.environment.files
        spans = [pin.span] if pin is not None else [Span(file=file) for file in files[:1]]
        said = f"`python{pin.text}` names no single minor version" if pin is not None else "no file names a version"
        yield self.finding(
            f"it is not known which Python the model needs: {said}",
            hint="write `- python=3.11` (the version that logged the model) into conda.yaml, or use --python 3.11",
            spans=spans,
        )
