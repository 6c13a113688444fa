"""EB014: nothing to try the image with."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule, key_spans
from ..types import Finding, Target


class NoInputExample(BaseRule):
    """The model has no input example.

    *What it does*: looks for `saved_input_example_info` and the file that it names.

    *Why it breaks*: it does not; but the finished image cannot be tried with a request that the author saw.

    *Example*: `mlflow.sklearn.log_model(model, name="model")`.

    *Use instead*: `log_model(..., input_example=X.head(2))`.

    *Source*: MLflow, "Model Signatures and Input Examples".
    """

    code = "EB014"
    name = "no-input-example"
    severity = "info"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        if model.mlmodel is None:
            return
        example = model.mlmodel.input_example
        present = {f.path for f in model.files}
        hint = "log the model with input_example=..., two rows are enough"
        if example is None:
            yield self.finding("the model has no input example: the image cannot be tried with one", hint=hint)
        elif example.path not in present:
            yield self.finding(
                f"the input example {example.path[:80]!r} is not in the folder",
                hint=hint,
                spans=key_spans(model, "saved_input_example_info.artifact_path", "saved_input_example_info"),
            )
