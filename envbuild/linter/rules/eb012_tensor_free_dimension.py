"""EB012: a tensor with a free dimension behind the first."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule, key_spans
from ..pins import pins_of
from ..types import Finding, Target


class TensorFreeDimension(BaseRule):
    """A tensor has -1 beyond its first dimension, and Azure ML's own script cannot start with that.

    *What it does*: with `--target azure`, looks at the shapes of tensor outputs, and of tensor inputs where the script
    does not take the input example in their place.

    *Why it breaks*: Azure ML's script makes a sample of zeros from the shape and replaces only the first -1; the server
    then stops at "negative dimensions are not allowed" at every start.

    *Example*: `"shape": [-1, -1, 3]` in the signature.

    *Use instead*: an image of envbuild, whose servers take any shape, a fixed shape, or a scoring script.

    *Source*: Azure/azureml-assets, mlflow_score_script.py; Azure ML, "Deploy MLflow models", Limitations.
    """

    code = "EB012"
    name = "tensor-free-dimension"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for the inputs and one for the outputs, each naming its tensors."""
        if not target.azure or target.script is not None or model.mlmodel is None:
            return
        signature = model.mlmodel.signature
        if signature is None:
            return
        inputs = () if _has_sample(model, target) else signature.inputs
        for part, fields in (("inputs", inputs), ("outputs", signature.outputs)):
            free = [f for f in fields if len(f.shape) > 1 and min(f.shape[1:]) < 0]
            if free:
                shown = ", ".join(f"{f.name or part} {list(f.shape)}" for f in free)
                yield self.finding(
                    f"Azure ML's script cannot start with a free dimension (-1) behind the first: {shown[:200]}",
                    hint="build an image with envbuild, or give the dimension a fixed size in the signature",
                    spans=key_spans(model, f"signature.{part}"),
                )


def _has_sample(model: Model, target: Target) -> bool:
    """Whether the script takes its sample of the input from the input example, and not from the signature."""
    example = model.mlmodel.input_example if model.mlmodel is not None else None
    if example is None or not example.kind or all(file.path != example.path for file in model.files):
        return False
    # pandas 3 does not read a table the way that the script hands it over; examples of any other kind are its sample.
    return example.kind != "dataframe" or not pins_of(model, target, "pandas").from_on("3")
