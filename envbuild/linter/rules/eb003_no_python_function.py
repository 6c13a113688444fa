"""EB003: there is nothing to serve with."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule, key_spans
from ..types import Finding, Target


class NoPythonFunction(BaseRule):
    """MLmodel has no python_function flavor, or one without a loader_module.

    *What it does*: looks for `flavors.python_function.loader_module`.

    *Why it breaks*: every server loads the model with `mlflow.pyfunc.load_model`, which needs that flavor.

    *Example*: a model logged by `mlflow.spark.log_model` without its python_function flavor, or from R (`crate`).

    *Use instead*: log it with a flavor that also writes python_function, or wrap it in a `PythonModel`.

    *Source*: MLflow, `mlflow.pyfunc`, "Filesystem format".
    """

    code = "EB003"
    name = "no-python-function"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        if model.mlmodel is None:
            return
        flavors = model.mlmodel.flavors
        hint = "log the model with a flavor that also writes python_function, or wrap it in a PythonModel"
        if "python_function" not in flavors:
            named = ", ".join(sorted(flavors))
            yield self.finding(
                f"the model has no python_function flavor (only {named[:200]}), so no server can load it",
                hint=hint,
                spans=key_spans(model, "flavors"),
            )
        elif not model.mlmodel.loader_module:
            spans = key_spans(model, "flavors.python_function.loader_module", "flavors.python_function")
            yield self.finding("the python_function flavor names no loader_module", hint=hint, spans=spans)
