"""EB011: a binary column that Azure ML does not decode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...model.types import Model
from ..base import BaseRule, key_spans
from ..types import Finding, Target


class BinaryColumn(BaseRule):
    """The signature has a binary input, and Azure ML's own script hands its base64 text on undecoded.

    *What it does*: with `--target azure`, looks for the type `binary` in the inputs, also inside arrays, objects and
    maps.

    *Why it breaks*: Azure ML's script never decodes base64, so `predict` gets text where it expects bytes, or MLflow
    refuses it.

    *Example*: `{"name": "image", "type": "binary"}` in the signature.

    *Use instead*: an image of envbuild, each of whose servers decodes it, or a scoring script that does.

    *Source*: Azure ML, "Deploy MLflow models", Limitations; MLflow, signature types.
    """

    code = "EB011"
    name = "binary-column"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding that names the columns."""
        if not target.azure or target.script is not None or model.mlmodel is None:
            return
        signature = model.mlmodel.signature
        names = [f.name or "(no name)" for f in signature.inputs if _holds_binary(f.spec)] if signature else []
        if names:
            yield self.finding(
                f"Azure ML's script never decodes binary input: {', '.join(names)[:200]}",
                hint="build an image with envbuild, or decode it in a --scoring-script",
                spans=key_spans(model, "signature.inputs"),
            )


_NESTED = frozenset({"items", "values", "properties"})


def _holds_binary(spec: Mapping[str, Any]) -> bool:
    if not spec.keys() & _NESTED:  # a plain column, of which there may be 100,000
        return spec.get("type") == "binary"
    waiting: list[Any] = [spec]
    while waiting:
        value = waiting.pop()
        if not isinstance(value, Mapping):
            continue
        if value.get("type") == "binary":
            return True
        properties = value.get("properties")
        waiting += [value.get("items"), value.get("values")]
        waiting += properties.values() if isinstance(properties, Mapping) else ()
    return False
