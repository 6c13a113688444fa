"""EB331: no conda.yaml for Azure ML."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule, key_spans
from ..types import Finding, Target

_FILE = "conda.yaml"


class AzureNoCondaYaml(BaseRule):
    """Azure ML's no-code image reads conda.yaml at the top of the model folder, and there is none.

    *What it does*: with `--target azure`, looks for that file. python_env.yaml and requirements.txt do not count there,
    nor does a file of another name that MLmodel points to.

    *Why it breaks*: the container looks for `conda.yaml` when it starts, and stops with exit code 98.

    *Example*: a model folder with `python_env.yaml` and `requirements.txt` alone.

    *Use instead*: a `conda.yaml` with `python=X.Y`, `pip` and the same requirements in its pip list. envbuild's own
    image takes each of the three files.

    *Source*: Azure/azureml-assets, mlflow-model-inference, `gunicorn/run`.
    """

    code = "EB331"
    name = "azure-no-conda-yaml"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding; where there is no environment at all, EB110 has the word."""
        if not target.azure or target.script is not None or model.environment.source in ("none", "given"):
            return
        if all(file.path != _FILE for file in model.files):
            yield self.finding(
                "Azure ML reads conda.yaml at the top of the model folder alone, and the model has none: its "
                f"requirements are in {model.environment.files[0]}",
                hint="write a conda.yaml with the Python version, pip and the same requirements",
                spans=key_spans(model, "flavors.python_function.env", "flavors.python_function"),
            )
