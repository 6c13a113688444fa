"""EB604: a package that the package index does not have, or that works in one place alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...facts import load_json
from ...model.markers import may_hold
from ...model.requirement import canonical_name
from ...model.types import Model
from ..base import BaseRule
from ..editing import requirements_of, spans_of
from ..pins import python_of
from ..types import Failure, Finding, Target

_UNKNOWN = re.compile(
    r"\b(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)[^\s]* was not found in the "
    r"(?:package registry|provided package locations)"
)


class PrivateOrInternalPackage(BaseRule):
    """A listed package belongs to a platform or a company, and no public index has it.

    *What it does*: knows packages that are there inside of Databricks, Synapse, Fabric and Dataiku alone, and reads in
    the resolver's words which names the index does not know. Packages that anybody can install, but that answer only
    with access to their platform, are a warning.

    *Why it breaks*: the package cannot be found; or, worse, somebody else has taken the name on the public index.

    *Example*: `- dbruntime`, written by `pip freeze` inside of a Databricks notebook.

    *Use instead*: no such line where the model does not import it; else a wheel of it on an index of your own, which
    UV_INDEX or UV_DEFAULT_INDEX names for the build.

    *Source*: mlflow/mlflow pull requests 6722 and 15251; uv, "Package was not found in the package registry".
    """

    code = "EB604"
    name = "private-or-internal-package"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each listed package of the table."""
        table = load_json("private_packages.json")["packages"]
        python = python_of(model, target)
        told: set[str] = set()
        for requirement in model.environment.pip:
            row = table.get(requirement.name)
            if row is None or requirement.url or requirement.name in told:
                continue
            if not may_hold(requirement.marker, python, target.platform):
                continue
            told.add(requirement.name)
            platform = row["platform"]
            if row["public"]:
                what = (
                    f"{requirement.name} works with access to {platform} alone: the image needs its network and token"
                )
            elif row.get("taken"):
                what = f"{requirement.name} is a part of {platform}; the package index has another project of that name"
            else:
                what = f"{requirement.name} is a part of {platform}, and no package index has it"
            certain = not row["public"] and not (target.own_indexes and not target.azure)
            yield self.finding(
                what,
                hint=f"take it out if the model answers without {platform}"
                + ("" if row["public"] else "; else name the index that has it in UV_INDEX for the build"),
                spans=spans_of(model, requirement.name),
                severity="error" if certain else "warning",
            )

    def check_failure(self, model: Model, target: Target, failure: Failure) -> Iterator[Finding]:
        """One finding for each name that the index does not know."""
        known = load_json("private_packages.json")["packages"]
        names = dict.fromkeys(canonical_name(found["name"]) for found in _UNKNOWN.finditer(failure.explanation))
        for name in names:
            listed = requirements_of(model, name)
            if listed and name in known:
                continue
            asked = "" if listed else ", which another package asks for,"
            yield self.finding(
                f"{name}{asked} is not on the package index",
                hint="check the spelling; a package of your own needs the index that has it in UV_INDEX, or a folder "
                "with its wheel in UV_FIND_LINKS",
                spans=spans_of(model, name),
            )
