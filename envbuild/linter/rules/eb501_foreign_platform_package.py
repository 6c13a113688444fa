"""EB501: a package of another system."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model.foreign import Foreign, foreign, leaves_linux_out
from ...model.types import Model, Requirement
from ..base import BaseRule
from ..conda_lines import line_at
from ..editing import may_edit, replaced, requirements_of, spans_of
from ..sources import MOST
from ..types import Edit, Finding, Target

_NAME = re.compile(r"^[A-Za-z0-9._-]+")


class ForeignPlatformPackage(BaseRule):
    """A package that is for Windows or macOS alone is listed without a marker that says so.

    *What it does*: looks for packages that are known to serve one other system, such as pywin32 or tensorflow-macos.

    *Why it breaks*: they have no wheel for Linux, so pip, MLflow's and Azure ML's own builds stop at them. envbuild
    leaves them out of the image, and lays tensorflow-macos and tensorflow-intel down as tensorflow; with
    `--target azure` this is an error.

    *Example*: `- pywin32==306`, in a model that was logged on Windows with `pip freeze`.

    *Use instead*: `- pywin32==306 ; sys_platform == 'win32'`, which `--fix` writes; `tensorflow` for tensorflow-macos.

    *Source*: PEP 508, environment markers; mlflow/mlflow pull request 11687.
    """

    code = "EB501"
    name = "foreign-platform-package"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each such package."""
        listed = model.environment.pip
        names = {requirement.name for requirement in listed}
        told: set[str] = set()
        for requirement in listed:
            known = None if requirement.url else foreign(requirement.name)
            if known is None or leaves_linux_out(requirement.marker) or requirement.name in told:
                continue
            if len(told) == MOST:
                return
            told.add(requirement.name)
            instead = known.instead if known.instead not in names else ""
            yield self._found(model, target, requirement, known, instead)

    def _found(self, model: Model, target: Target, requirement: Requirement, known: Foreign, instead: str) -> Finding:
        name = requirement.name
        done = f"is laid down as {instead}" if instead else "is left out of the image"
        what = "installs on Linux but does nothing there" if known.resolves else "has no wheel for Linux"
        edits = _edits(model, name, known, instead)
        way = f"list {instead} in its place" if instead else f"add `; {known.marker}` behind it, or take it out"
        others = "" if known.resolves else "; pip and Azure ML's own build stop at it"
        return self.finding(
            f"{name} is for {known.system} alone and {what}",
            hint=way if target.azure else f"{way}; it {done} by envbuild{others}",
            spans=spans_of(model, name),
            edits=edits,
            severity="info" if known.resolves else "error" if target.azure else "warning",
        )


def _edits(model: Model, name: str, known: Foreign, instead: str) -> tuple[Edit, ...]:
    """The marker, or the other name, in every line that lists the package; empty where one cannot be changed."""
    if not may_edit(model):
        return ()
    found: list[Edit | None] = []
    for requirement in requirements_of(model, name):
        if leaves_linux_out(requirement.marker):
            continue
        text = requirement.text
        if instead:
            new = _NAME.sub(instead, text, count=1)
        elif requirement.marker:
            return ()
        else:
            # The scalar may stand in quotes of YAML.
            before = line_at(model, requirement.span)[requirement.span.column - 2 : requirement.span.column - 1]
            marker = known.marker.replace("'", '"') if before == "'" else known.marker
            new = f"{text} ; {marker}"
        found.append(replaced(model, requirement.span, text, new, drops=(text,)))
    return tuple(edit for edit in found if edit is not None) if None not in found else ()
