"""EB110: the model says nothing of the packages it needs."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule, key_spans
from ..types import Finding, Target


class EnvDeclarationOdd(BaseRule):
    """The model has no environment file at all.

    *What it does*: looks for conda.yaml and python_env.yaml, under the names that MLmodel gives them, and for
    requirements.txt.

    *Why it breaks*: an image without the model's packages cannot load it, and guessing them gives wrong answers.

    *Example*: a folder of which only MLmodel and model.pkl were copied.

    *Use instead*: the whole folder that `log_model` wrote, or `--environment FILE`.

    *Source*: MLflow, "MLflow Models", Additional Logged Files.
    """

    code = "EB110"
    name = "env-declaration-odd"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        if model.environment.source == "none":
            yield self.finding(
                "the model has no environment: neither conda.yaml nor python_env.yaml nor requirements.txt is there",
                hint="give one with --environment FILE (a conda.yaml or a requirements file)",
                spans=key_spans(model, "flavors.python_function.env", "flavors.python_function"),
            )
