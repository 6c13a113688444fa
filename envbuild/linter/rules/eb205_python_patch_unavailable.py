"""EB205: the base has another Python than the model names."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule
from ..pins import python_of
from ..pythons import minors, python_spans
from ..types import Finding, Locked, Target


class PythonPatchUnavailable(BaseRule):
    """No base has the model's Python, or the base brings another patch version of it.

    *What it does*: looks for the minor version among the bases that `--base auto` chooses from. Once the base is known,
    it compares the full version: a difference there is for information.

    *Why it breaks*: without a base there is no interpreter, and `image` stops. Another patch version runs the same
    wheels and the same pickles; tools that want the exact one (conda, pyenv, `python:3.11.7-slim`) stop where it was
    never built for them.

    *Example*: `- python=3.7.12`; `- python=3.11.7` on a base with 3.11.2.

    *Use instead*: `--base REGISTRY/NAME:TAG` with an image that has it; the patch version needs nothing.

    *Source*: mlflow/mlflow issue 2148; SeldonIO/seldon-core issue 4378.
    """

    code = "EB205"
    name = "python-patch-unavailable"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding: by the catalogue, so for `--base auto`."""
        python = python_of(model, target)
        if not python or target.azure or _has_base(python):
            return
        yield self.finding(
            f"no base that is chosen by itself has Python {python}",
            hint=f"name one that has it: --base docker.io/library/python:{python}-slim, or another image",
            spans=python_spans(model, target),
        )

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """At most one finding, by the base itself."""
        pin = model.environment.python
        brought = locked.base.interpreter
        python = python_of(model, target)
        wanted = pin.text.strip().lstrip("=").strip() if pin is not None and not target.python else ""
        exact = wanted.count(".") == 2 and wanted.replace(".", "").isdigit() and wanted != brought.version
        if brought.minor == python and (exact or not _has_base(python)):
            yield self.finding(
                f"{locked.base.name} brings Python {brought.version}"
                + (f", the model names {wanted}: the patch version differs" if exact else ""),
                hint="nothing is to do: the same wheels and pickles run on both" if exact else "",
                spans=python_spans(model, target),
                severity="info",
            )


def _has_base(python: str) -> bool:
    return bool(minors().get(python, {}).get("base"))
