"""EB309: a wrapt that is too new for the server."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule
from ..combos import SERVER, on_azureml
from ..editing import respecified
from ..pins import pins_of
from ..types import Finding, Target


class InferenceSchemaWrapt(BaseRule):
    """The requirements ask for a wrapt above 1.16.0, the last one that the server's inference-schema takes.

    *What it does*: looks at the version range of wrapt, where the Azure ML inference server is listed.

    *Why it breaks*: every version of the server from 1.0 on needs inference-schema, which holds `wrapt<=1.16.0`:
    nothing can be resolved.

    *Example*: `wrapt==1.17.0` beside `azureml-inference-server-http`.

    *Use instead*: `wrapt<=1.16.0`, or no line for wrapt at all.

    *Source*: inference-schema, metadata of 1.7 and 1.8 (`wrapt>=1.14,<=1.16.0`).
    """

    code = "EB309"
    name = "inference-schema-wrapt"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        wrapt = pins_of(model, target, "wrapt")
        if not on_azureml(target) or not pins_of(model, target, SERVER).listed or wrapt.unknown:
            return
        if wrapt.above("1.16.0"):
            yield self.finding(
                f"no version of the Azure ML inference server goes with {wrapt.text}: its inference-schema needs "
                "wrapt<=1.16.0",
                hint="use wrapt<=1.16.0, or leave wrapt to those that need it",
                spans=wrapt.spans,
                edits=respecified(model, "wrapt", ">=1.14,<=1.16.0"),
            )
