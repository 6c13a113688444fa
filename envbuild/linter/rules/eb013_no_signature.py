"""EB013: inputs are not checked."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule, key_spans
from ..types import Finding, Target


class NoSignature(BaseRule):
    """The model has no signature.

    *What it does*: looks for inputs in MLmodel's `signature`.

    *Why it breaks*: nothing checks or converts what a client sends: a wrong type reaches the model, and fails there or
    gives a wrong answer.

    *Example*: `mlflow.sklearn.log_model(model, name="model")`.

    *Use instead*: `log_model(..., signature=infer_signature(X, model.predict(X)))`, or an input example.

    *Source*: MLflow, "Model Signatures and Input Examples".
    """

    code = "EB013"
    name = "no-signature"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        if model.mlmodel is None or (model.mlmodel.signature is not None and model.mlmodel.signature.inputs):
            return
        if any(p.code == "EB002" for p in model.problems):
            return
        yield self.finding(
            "the model has no signature: inputs reach it unchecked",
            hint="log it with signature=infer_signature(X, model.predict(X)), or with an input example",
            spans=key_spans(model, "signature"),
        )
