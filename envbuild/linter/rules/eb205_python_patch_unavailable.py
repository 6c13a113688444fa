"""EB205: the base has another Python than the model names."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ...servers.pythons import minors
from ..base import BaseRule
from ..conda_way import is_conda_way
from ..pins import python_of
from ..pythons import python_spans
from ..types import Finding, Locked, Target


class PythonPatchUnavailable(BaseRule):
    """No base has the model's Python, or the base brings another version of it.

    *What it does*: looks for the minor version among the bases that `--base auto` chooses from, or compares it with
    that of the base that is named. Once the base is known, it compares the full version: another patch version is for
    information.

    *Why it breaks*: without a base there is no interpreter, and `image` stops. Another minor version takes other
    wheels, and cannot run bytecode in pickles. Another patch version runs the same wheels and the same pickles; tools
    that want the exact one (conda, pyenv, `python:3.11.7-slim`) stop where it was never built for them.

    *Example*: `- python=3.7.12`; `- python=3.11.7` on a base with 3.11.2.

    *Use instead*: `--base REGISTRY/NAME:TAG` with an image that has it; the patch version needs nothing.

    *Source*: mlflow/mlflow issue 2148; SeldonIO/seldon-core issue 4378.
    """

    code = "EB205"
    name = "python-patch-unavailable"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding, by what is known of the bases before any is opened."""
        python = python_of(model, target)
        if not python or target.azure or is_conda_way(model, target):
            return
        if target.base == "auto":
            row = minors().get(python, {})
            if not row.get("base"):
                named = row.get("named") or f"docker.io/library/python:{python}-slim"
                yield self.finding(
                    f"no base that is chosen by itself has Python {python}",
                    hint=f"name an image that has it: --base {named}",
                    spans=python_spans(model, target),
                )
            return
        brought = next((m for m, row in minors().items() if target.base in (row["base"], row.get("named"))), python)
        if brought != python:
            yield self._other_minor(model, target, target.base, brought, python)

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """At most one finding, by the base itself."""
        pin = model.environment.python
        brought = locked.base.interpreter
        python = python_of(model, target)
        wanted = pin.text.strip().lstrip("=").strip() if pin is not None and not target.python else ""
        exact = wanted.count(".") == 2 and wanted.replace(".", "").isdecimal() and wanted != brought.version
        if not python or locked.lock.conda:
            return
        if brought.minor != python:
            yield self._other_minor(model, target, locked.base.name, brought.version, python)
        elif exact or not minors().get(python, {}).get("base"):
            # Also what the catalogue alone could not tell: that the base does have it.
            yield self.finding(
                f"{locked.base.name} brings Python {brought.version}"
                + (f", the model names {wanted}: the patch version differs" if exact else ""),
                hint="nothing is to do: the same wheels and pickles run on both" if exact else "",
                spans=python_spans(model, target),
                severity="info",
            )

    def _other_minor(self, model: Model, target: Target, base: str, brought: str, python: str) -> Finding:
        who = "--python" if target.python else "the model"
        return self.finding(
            f"{base} brings Python {brought}, {who} asks for {python}",
            hint="leave --base out, or name a base with that Python",
            spans=python_spans(model, target),
        )
