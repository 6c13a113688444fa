"""EB408: a version that was never published."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model.markers import may_hold
from ...model.types import Model, Requirement
from ...patterns import pattern
from ..base import BaseRule
from ..editing import respecified, spans_of
from ..pins import python_of
from ..types import Finding, Target

_VERSION = pattern(r"={2,3}\s*(?P<release>[0-9]+(?:\.[0-9]+)*)(?P<rest>[^,;\s]*)")
_DEV = pattern(r"[._-]?dev[0-9]*", re.IGNORECASE)
# Versions of MLflow between two releases: built from the sources and never uploaded.
_NEVER = frozenset({"mlflow", "mlflow-skinny"})


class DevVersion(BaseRule):
    """A package is pinned to a development version.

    *What it does*: looks for `==` with a `.dev` part, and for mlflow with a label such as `+dirty`. Of mlflow no such
    version was ever published; of other packages some are, so there it is a warning.

    *Why it breaks*: the model was logged with a checkout of the sources, and the index has no such version.

    *Example*: `- mlflow==2.9.2.dev0`.

    *Use instead*: the release that it became: `- mlflow==2.9.2`, which `--unsafe-fixes` writes.

    *Source*: mlflow/mlflow pull requests 10247 and 3176; PEP 440, developmental releases.
    """

    code = "EB408"
    name = "dev-version"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each package."""
        told: set[str] = set()
        python = python_of(model, target)
        for requirement in model.environment.pip:
            if not may_hold(requirement.marker, python, target.platform):
                continue
            found = None if requirement.url or requirement.name in told else _unpublished(requirement)
            if found is None:
                continue
            told.add(requirement.name)
            version, release = found
            never = requirement.name in _NEVER
            yield self.finding(
                f"{requirement.name} {version} {'was never published' if never else 'is a development version'}: "
                + ("the index does not have it" if never else "most indexes do not have it"),
                hint=f"use the release that it became, {requirement.name}=={release}, or the one before it",
                spans=spans_of(model, requirement.name),
                edits=respecified(model, requirement.name, f"=={release}"),
                severity="error" if never else "warning",
                safe=False,
            )


def _unpublished(requirement: Requirement) -> tuple[str, str] | None:
    """The version as written and the release that it is of."""
    found = _VERSION.search(requirement.specifier)
    if found is None or not found["rest"] or found["rest"].startswith(".*"):
        return None
    public, _, label = found["rest"].partition("+")
    # Labels of other packages are another rule's.
    if _DEV.search(public) or (label and requirement.name in _NEVER):
        return found["release"] + found["rest"], found["release"]
    return None
