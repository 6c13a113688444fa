"""EB307: pydantic 1, which one version of the server alone goes with."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule
from ..combos import SERVER, on_azureml
from ..pins import pins_of
from ..types import Finding, Target


class PydanticV1(BaseRule):
    """The requirements hold pydantic below 2, and the server asks for 2 since its version 1.1.

    *What it does*: looks at the version range of pydantic, where the Azure ML inference server answers.

    *Why it breaks*: only version 1.0.0 of the server, of 2023, is left to choose. It needs azureml-contrib-services and
    a setuptools below 82; envbuild adds both, other tools do not. With a newer server asked for, nothing is left.

    *Example*: `pydantic==1.10.26` beside `azureml-inference-server-http`.

    *Use instead*: pydantic 2 where the model's own code allows it (its `pydantic.v1` has the old names), or
    `--server envbuild`, which does not need pydantic.

    *Source*: azureml-inference-server-http, metadata of 1.0.0 (`pydantic>=1.9,<1.11`) and 1.1.0 (`pydantic~=2.0`).
    """

    code = "EB307"
    name = "pydantic-v1"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        if not on_azureml(target):
            return
        pydantic = pins_of(model, target, "pydantic")
        if not pydantic.below("2"):
            return
        server = pins_of(model, target, SERVER)
        hint = "let pydantic 2 in where the model's code allows it (pydantic.v1 has the old names)"
        if not target.azure:
            hint += ", or take --server envbuild, which does not need it"
        if server.from_on("1.0.1"):
            yield self.finding(
                f"no version of the server goes with both {server.text} and {pydantic.text}",
                hint=hint,
                spans=[*server.spans, *pydantic.spans],
                severity="error",
            )
        else:
            yield self.finding(
                f"{pydantic.text} leaves version 1.0.0 of the Azure ML inference server alone to choose",
                hint=hint,
                spans=pydantic.spans,
            )
