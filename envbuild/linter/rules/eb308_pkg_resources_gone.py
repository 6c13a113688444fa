"""EB308: pkg_resources is imported, and setuptools no longer has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...facts import load_json
from ...model.types import Model
from ..base import BaseRule
from ..combos import SERVER, for_others, held_back, on_azureml, reached, serving, who_breaks
from ..editing import respecified
from ..pins import Pins, is_below, pins_of
from ..types import Finding, Locked, Target

_GONE = "82"


class PkgResourcesGone(BaseRule):
    """A package imports pkg_resources, and the environment gets no setuptools that has it.

    *What it does*: knows which versions of which packages import pkg_resources at start, and looks for `setuptools<82`
    beside them.

    *Why it breaks*: setuptools 82 dropped the module, and most of these packages never asked for setuptools: the
    server stops at `No module named 'pkg_resources'`. envbuild adds `setuptools<82` to its own image; other tools
    do not.

    *Example*: `mlflow==2.9.2` without a line for setuptools.

    *Use instead*: `setuptools<82` among the requirements, or a newer version of the package.

    *Source*: setuptools, history of 82.0.0; pypa/setuptools pull request 5174; mlflow/mlflow pull request 11330.
    """

    code = "EB308"
    name = "pkg-resources-gone"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding, for the first package that needs it."""
        setuptools = pins_of(model, target, "setuptools")
        if setuptools.below(_GONE) or setuptools.unknown:
            return
        for row in _importers(target):
            pins = pins_of(model, target, row["name"])
            if not pins.listed or pins.unknown or not pins.below(row["below"]):
                continue
            forced = setuptools.from_on(_GONE)
            said = f"{setuptools.text} has" if forced else f"{who_breaks(target)} installs a setuptools that has"
            yield self.finding(
                f"{pins.text} imports pkg_resources, and {said} none",
                hint="list setuptools<82"
                + ("" if forced or target.azure else "; envbuild adds it to its own image, other tools do not"),
                spans=[*pins.spans, *setuptools.spans],
                edits=respecified(model, "setuptools", "<82"),
                severity="error" if forced else for_others(target),
                # Who asks for a version loses it only by --unsafe-fixes.
                safe=not forced,
            )
            return
        yield from self._by_server(model, target, setuptools)

    def _by_server(self, model: Model, target: Target, setuptools: Pins) -> Iterator[Finding]:
        """One finding where a version of the server is left whose gunicorn imports pkg_resources."""
        server = pins_of(model, target, SERVER)
        listed = on_azureml(target) and server.listed and not server.unknown
        rung = reached(model, target, whole=target.azure) if listed and held_back(model, target) else None
        if rung is not None and "setuptools<82" in rung.needs:
            yield self.finding(
                f"version {rung.version} of the server is the newest left, and its gunicorn imports pkg_resources: "
                + (f"{setuptools.text} has none" if setuptools.from_on(_GONE) else "a new setuptools has none"),
                hint="list setuptools<82"
                + ("" if target.azure else "; envbuild adds it to its own image, other tools do not"),
                spans=[*server.spans, *setuptools.spans],
                edits=respecified(model, "setuptools", "<82"),
                severity="error" if setuptools.from_on(_GONE) else for_others(target),
                safe=not setuptools.from_on(_GONE),
            )

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """At most one finding."""
        setuptools = locked.version("setuptools")
        if is_below(setuptools, _GONE):
            return
        for row in _importers(target):
            version = locked.version(row["name"])
            if is_below(version, row["below"]):
                pins = pins_of(model, target, row["name"])
                yield self.finding(
                    f"{row['name']} {version} imports pkg_resources, and "
                    + (f"setuptools {setuptools} has none" if setuptools else "there is no setuptools in the image"),
                    hint="list setuptools<82",
                    spans=[*pins.spans, *pins_of(model, target, "setuptools").spans],
                    edits=respecified(model, "setuptools", "<82"),
                    safe=not pins_of(model, target, "setuptools").from_on(_GONE),
                )
                return


def _importers(target: Target) -> list[dict[str, Any]]:
    """The rows that matter: some packages are imported by some servers alone."""
    rows: list[dict[str, Any]] = load_json("pkg_resources.json")["packages"]
    return [row for row in rows if serving(target) in row.get("servers", (serving(target),))]
