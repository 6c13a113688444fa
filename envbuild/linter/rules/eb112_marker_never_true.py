"""EB112: a requirement for other systems than the image's."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model, Span
from ..base import BaseRule
from ..markers import never
from ..pins import python_of
from ..types import Finding, Target

_MOST = 200
_SPANS = 20


class MarkerNeverTrue(BaseRule):
    """The marker of a requirement cannot hold in the image, so that the package is left out.

    *What it does*: evaluates each marker for Linux, the target's architecture and Python. What is not known then (the
    kernel's version, or the Python if no file tells it) is taken to hold. A marker that holds on Windows or macOS is
    meant for them, and no finding.

    *Why it breaks*: if the package is needed, the server stops at its import.

    *Example*: `onnxruntime ; python_version < "3.9"` in a model of Python 3.11.

    *Use instead*: a marker that holds, or none.

    *Source*: PEP 508, "Environment Markers".
    """

    code = "EB112"
    name = "marker-never-true"
    severity = "info"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each requirement, of the first 200 markers."""
        python = python_of(model, target)
        known: dict[str, bool] = {}
        places: dict[tuple[str, str], dict[Span, None]] = {}
        for environment in (model.environment, *model.others):
            for listed in environment.pip:
                if listed.marker:
                    places.setdefault((listed.name, listed.marker), {})[listed.span] = None
        for requirement in model.environment.pip:
            marker = requirement.marker
            if not marker or (marker not in known and len(known) >= _MOST):
                continue
            if marker not in known:
                known[marker] = never(marker, python, target.platform)
            if known[marker]:
                where = f"{target.platform} with Python {python}" if python else target.platform
                yield self.finding(
                    f"{requirement.name} is left out of the image: `{marker[:120]}` never holds on {where}",
                    hint="take the marker away if the model needs the package, else the line",
                    spans=list(places[requirement.name, marker])[:_SPANS],
                )
