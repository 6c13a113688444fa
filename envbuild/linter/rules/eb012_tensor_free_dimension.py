"""EB012: a tensor with a free dimension behind the first."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule, key_spans
from ..types import Finding, Target


class TensorFreeDimension(BaseRule):
    """A tensor input has -1 beyond its first dimension, and the server cannot start with that.

    *What it does*: looks at the shapes of tensor inputs and outputs, when the server is `azureml` with its own scoring
    script.

    *Why it breaks*: that script makes a sample of zeros from the shape and replaces only the first -1; the server then
    stops at "negative dimensions are not allowed" at every start.

    *Example*: `"shape": [-1, -1, 3]` with `--server azureml`.

    *Use instead*: `--server envbuild` or `--server mlflow`, a fixed shape, or a scoring script.

    *Source*: Azure/azureml-assets, mlflow_score_script.py; Azure ML, "Deploy MLflow models", Limitations.
    """

    code = "EB012"
    name = "tensor-free-dimension"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for the inputs and one for the outputs, each naming its tensors."""
        if target.server.name != "azureml" or target.script is not None or model.mlmodel is None:
            return
        signature = model.mlmodel.signature
        if signature is None:
            return
        for part, fields in (("inputs", signature.inputs), ("outputs", signature.outputs)):
            free = [f for f in fields if len(f.shape) > 1 and min(f.shape[1:]) < 0]
            if free:
                shown = ", ".join(f"{f.name or part} {list(f.shape)}" for f in free)
                yield self.finding(
                    f"the azureml server cannot start with a free dimension (-1) behind the first: {shown[:200]}",
                    hint="use --server envbuild or mlflow, or give the dimension a fixed size in the signature",
                    spans=key_spans(model, f"signature.{part}"),
                )
