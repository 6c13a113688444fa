"""EB412: Azure ML's plug-in for MLflow beside an MLflow that it does not take."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule
from ..combos import mlflow_of
from ..editing import removed, requirements_of
from ..pins import pins_of
from ..types import Finding, Target

_PLUGIN = "azureml-mlflow"
# The first version of the plug-in that caps mlflow so, and the first mlflow above the cap.
_CAPPED, _ABOVE = "1.62", "3.15.1"


class AzuremlMlflowPlugin(BaseRule):
    """azureml-mlflow is listed beside a version of MLflow that is too new for it.

    *What it does*: compares the version range of mlflow or mlflow-skinny with what the plug-in takes.

    *Why it breaks*: azureml-mlflow 1.62 asks for mlflow-skinny up to 3.15.0. Pinned, it leaves no solution; without a
    pin an older one is chosen, which names no bound and was never tried with that MLflow. Azure ML's tracking server
    also lacks what MLflow asks of it since 2.17 when a model is logged. Serving needs none of this.

    *Example*: `azureml-mlflow` beside `mlflow==3.17.2`.

    *Use instead*: no azureml-mlflow among the model's requirements; where its code imports it, `mlflow<=3.15.0`.

    *Source*: azureml-mlflow, metadata of 1.62.0.post6; Azure/azureml-examples pull requests 3902 and 3873;
    Azure/azure-sdk-for-python issue 44896.
    """

    code = "EB412"
    name = "azureml-mlflow-plugin"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        plugin, mlflow = pins_of(model, target, _PLUGIN), mlflow_of(model, target)
        if not plugin.listed or not mlflow.from_on(_ABOVE):
            return
        pinned = plugin.from_on(_CAPPED)
        edits = [removed(model, requirement) for requirement in requirements_of(model, _PLUGIN)]
        yield self.finding(
            f"azureml-mlflow takes mlflow up to 3.15.0, and {mlflow.text} is asked for: "
            + ("nothing can be resolved" if pinned else "an older azureml-mlflow is chosen, which names no bound"),
            hint="leave azureml-mlflow out: a served model does not log anything",
            spans=[*plugin.spans, *mlflow.spans],
            edits=[edit for edit in edits if edit is not None] if None not in edits and not model.uri else (),
            severity="error" if pinned else "warning",
            safe=False,
        )
