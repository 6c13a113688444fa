"""EB303: the monitoring package hides a folder of an older server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model.types import Model, Span
from ..base import BaseRule
from ..combos import CONTRIB, MONITORING, SERVER, blocker, for_others, held_back, on_azureml, reached, who_breaks
from ..editing import added, respecified
from ..pins import is_below, pins_of
from ..types import Edit, Finding, Locked, Target

if TYPE_CHECKING:
    from ...resolver.ladder import Obstacle

_SINCE = "1.4.1"
_NEEDED = f"{CONTRIB}>=1.62"


class AzuremlNamespaceShadow(BaseRule):
    """The server is held at a version before 1.4.1, and azureml-ai-monitoring hides a folder of it.

    *What it does*: looks for the newest version of the server that fits the model's pins and its Python. Before 1.4.1
    it needs azureml-contrib-services beside azureml-ai-monitoring.

    *Why it breaks*: such a server imports `azureml.contrib` from a folder of its own. azureml-ai-monitoring brings a
    regular package `azureml`, which hides that folder: every worker stops at `No module named 'azureml.contrib'`.
    envbuild adds azureml-contrib-services to its own image; other tools do not.

    *Example*: `azureml-inference-server-http==1.2.2` beside `azureml-ai-monitoring`; or both without a version on
    Python 3.8, which version 1.3.4 of the server is the last one for.

    *Use instead*: version 1.4.1 or a newer one; or `azureml-contrib-services` in the list.

    *Source*: Azure/azureml-examples issues 4004, 4009 and 4012.
    """

    code = "EB303"
    name = "azureml-namespace-shadow"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        names = (SERVER, MONITORING, CONTRIB)
        server, monitoring, contrib = (pins_of(model, target, name) for name in names)
        both = server.listed and monitoring.listed and not server.unknown
        if not on_azureml(target) or not both or contrib.listed or not held_back(model, target):
            return
        rung = reached(model, target, whole=True)
        if rung is None or not any(need.startswith(CONTRIB) for need in rung.needs):
            return
        why = blocker(model, target, rung, whole=True)
        cause = pins_of(model, target, why.pin.partition("=")[0].rstrip("<>!~")) if why else server
        yield self.finding(
            f"{who_breaks(target)} takes version {rung.version} of the server{_because(why)}, "
            "and azureml-ai-monitoring hides its module azureml.contrib",
            hint=f"list {CONTRIB}, or let version {_SINCE} of the server in"
            + ("" if target.azure else "; envbuild adds it to its own image where it is needed, other tools do not"),
            spans=_distinct([*server.spans, *monitoring.spans, *cause.spans]),
            edits=_with_contrib(model, rung.needs, pins_of(model, target, "setuptools").below("82")),
            severity=for_others(target),
        )

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """At most one finding."""
        version = locked.version(SERVER)
        if on_azureml(target) and is_below(version, _SINCE) and locked.version(MONITORING):
            if locked.version(CONTRIB) or is_below(version, "1.0"):
                return
            yield self.finding(
                f"version {version} of the server is chosen, and azureml-ai-monitoring hides its azureml.contrib",
                hint=f"list {CONTRIB}, or let version {_SINCE} of the server in",
                spans=[*pins_of(model, target, SERVER).spans, *pins_of(model, target, MONITORING).spans],
                edits=() if pins_of(model, target, CONTRIB).listed else added(model, CONTRIB, _NEEDED),
            )


def _because(why: Obstacle | None) -> str:
    if why is None:
        return ""
    if why.package and not why.pin.startswith(why.package) and why.allowed.startswith("<"):
        return f", since {why.pin} holds {why.package} below {why.allowed.lstrip('<')}"
    return f" because of {why.pin}"


def _with_contrib(model: Model, needs: tuple[str, ...], old_setuptools: bool) -> tuple[Edit, ...]:
    """The package, and an old setuptools where that version of the server needs it."""
    edits = added(model, CONTRIB, _NEEDED)
    if edits and "setuptools<82" in needs and not old_setuptools:
        return (*edits, *respecified(model, "setuptools", "<82"))
    return edits


def _distinct(spans: list[Span]) -> list[Span]:
    return list(dict.fromkeys(spans))
