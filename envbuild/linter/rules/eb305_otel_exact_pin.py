"""EB305: an OpenTelemetry other than the one that the server pins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...facts import load_json
from ...model.types import Model
from ..base import BaseRule
from ..combos import SERVER, on_azureml
from ..editing import respecified
from ..pins import Pins, pins_of
from ..types import Edit, Failure, Finding, Target

_WITHOUT = ">=1.4.1,<1.5"


class OtelExactPin(BaseRule):
    """A version of the server is asked for that pins OpenTelemetry, and the requirements need another OpenTelemetry.

    *What it does*: compares the ranges of the OpenTelemetry packages, which go together by version, with the one that
    the server of 1.5 asks for, where only that server may be chosen; and looks for the pair in what a resolution says
    that found nothing.

    *Why it breaks*: the server of 1.5 needs opentelemetry-api and opentelemetry-sdk 1.33.0 exactly. Nothing can be
    resolved.

    *Example*: `azureml-inference-server-http==1.5.1` beside `opentelemetry-sdk==1.39.1`.

    *Use instead*: version 1.4.1 of the server, which has no OpenTelemetry. envbuild takes it by itself where the
    model leaves the choice.

    *Source*: azureml-inference-server-http, metadata of 1.5.0; microsoft/azureml-inference-server issue 116 and pull
    request 118.
    """

    code = "EB305"
    name = "otel-exact-pin"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        server, others = _pair(model, target)
        if others:
            yield self.finding(
                f"{server.text} needs OpenTelemetry {_facts()['version']} exactly, and the model asks for "
                f"{' and '.join(pins.text for pins in others)}",
                hint="take version 1.4.1 of the server, which has no OpenTelemetry",
                spans=[*server.spans, *(span for pins in others for span in pins.spans)],
                edits=_older_server(model),
            )

    def check_failure(self, model: Model, target: Target, failure: Failure) -> Iterator[Finding]:
        """One finding where another package needs the other OpenTelemetry, and `check` could not know."""
        server, others = _pair(model, target)
        said = " ".join(failure.explanation.split())
        pinned = f"opentelemetry-api=={_facts()['version']}", f"opentelemetry-sdk=={_facts()['version']}"
        if others or not server.from_on(_facts()["server"]) or not any(pin in said for pin in pinned):
            return
        yield self.finding(
            f"{server.text} needs OpenTelemetry {_facts()['version']} exactly, and another package needs another one",
            hint="take version 1.4.1 of the server, which has no OpenTelemetry",
            spans=server.spans,
            edits=_older_server(model),
        )


def _pair(model: Model, target: Target) -> tuple[Pins, list[Pins]]:
    """The server's line, and the OpenTelemetry packages that do not go with it."""
    server, facts = pins_of(model, target, SERVER), _facts()
    if not on_azureml(target) or not server.from_on(facts["server"]):
        return server, []
    rows = [(pins_of(model, target, row["name"]), row["version"]) for row in facts["packages"]]
    return server, [pins for pins, version in rows if not pins.unknown and not pins.allows(version)]


def _older_server(model: Model) -> tuple[Edit, ...]:
    return respecified(model, SERVER, _WITHOUT)


def _facts() -> dict[str, Any]:
    facts: dict[str, Any] = load_json("opentelemetry_pin.json")
    return facts
