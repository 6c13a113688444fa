"""EB802: packages for notebooks, tests and development in a serving environment."""

from __future__ import annotations

from collections.abc import Iterator

from ...facts import load_json
from ...model.types import Model
from ..base import BaseRule
from ..editing import may_edit, removed, requirements_of, spans_of
from ..types import Edit, Finding, Target

_FOR = {"notebook": "notebooks", "test": "tests", "development": "development"}


class ServingExtras(BaseRule):
    """The model lists packages that no model predicts with.

    *What it does*: looks for packages of notebooks (ipykernel, jupyterlab), tests (pytest) and development (black)
    among the model's requirements.

    *Why it breaks*: it does not. They make the image larger, with a web server for notebooks among them, and their
    requirements can hold the model's own packages back.

    *Example*: `- notebook==6.3.0` in an environment that was written by `pip freeze`.

    *Use instead*: an environment without them. `--unsafe-fixes` takes the lines away; nothing shows whether code of the
    model imports them.

    *Source*: mlflow/mlflow pull request 6722.
    """

    code = "EB802"
    name = "serving-extras"
    severity = "info"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each such package."""
        kinds = {name: kind for kind in _FOR for name in load_json("serving_extras.json")[kind]}
        for name in dict.fromkeys(requirement.name for requirement in model.environment.pip):
            if name in kinds:
                yield self.finding(
                    f"{name} is for {_FOR[kinds[name]]}: a server does not need it",
                    hint="take it out if the model's code does not import it",
                    spans=spans_of(model, name),
                    edits=_edits(model, name),
                    safe=False,
                )


def _edits(model: Model, name: str) -> tuple[Edit, ...]:
    """Take the package out of every file; nothing where one of its lines cannot go."""
    edits = [removed(model, requirement) for requirement in requirements_of(model, name)] if may_edit(model) else []
    return tuple(edit for edit in edits if edit is not None) if None not in edits else ()
