"""EB307: pydantic 1, which one version of the server alone goes with."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model, Span
from ..base import BaseRule
from ..combos import SERVER, for_others, ladder_pins, on_azureml
from ..pins import pins_of, python_of
from ..types import Finding, Severity, Target


class PydanticV1(BaseRule):
    """The requirements hold pydantic below 2, and the server asks for 2 since its version 1.1.

    *What it does*: looks at the version range of pydantic, where the Azure ML inference server answers.

    *Why it breaks*: only version 1.0.0 of the server, of 2023, is left to choose. It needs azureml-contrib-services and
    a setuptools below 82; envbuild adds both, other tools do not. With a newer server asked for, nothing is left, nor
    for pip on Python 3.12 and newer.

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
            return
        said, severity, spans = _refused(model, target)
        yield self.finding(
            f"with {pydantic.text} only version 1.0.0 of the Azure ML inference server is left{said}",
            hint=hint,
            spans=[*pydantic.spans, *spans],
            severity=severity,
        )


def _refused(model: Model, target: Target) -> tuple[str, Severity, tuple[Span, ...]]:
    """What else stands against version 1.0.0 in words, how grave that makes it, and the places of that."""
    from ...resolver.ladder import obstacle, rungs

    oldest, python = rungs()[-1], python_of(model, target)
    pins = {name: text for name, text in ladder_pins(model, target, whole=target.azure).items() if name != SERVER}
    why = obstacle(oldest, pins, python=python)
    if why is None:
        return "", "warning", ()
    if not why.package:
        # envbuild's solver passes by the upper end of the Pythons, and that version starts on newer ones.
        taken = obstacle(oldest, pins, python=python, solver=True) is None
        return f", which pip refuses on {why.pin}", for_others(target) if taken else "error", ()
    if why.package == "pydantic":
        return f", which asks for pydantic{why.wanted}", "error", ()
    return f", which does not go with {why.pin}", "error", pins_of(model, target, why.package).spans
