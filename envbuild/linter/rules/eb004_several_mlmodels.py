"""EB004: models inside of the model."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from ...model.types import Model, Span
from ..base import BaseRule
from ..types import Finding, Target


class SeveralMlmodels(BaseRule):
    """The folder holds more than one MLmodel.

    *What it does*: looks for MLmodel files below the root, besides the registry's copies under `metadata/` and those in
    what the flavors name: a model may be made of others.

    *Why it breaks*: only the root one is served; Azure ML's older scoring scripts stop at "More than one MLmodel
    files found". Often the folder is one too high, or a model was logged into another.

    *Example*: `model/MLmodel` and `model/backup/MLmodel`.

    *Use instead*: move the other model out, or name its folder in `.envbuildignore`.

    *Source*: Azure/azureml-assets, mlflow_score_script.py.
    """

    code = "EB004"
    name = "several-mlmodels"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding that names them all."""
        parts = ("metadata/", *_parts(model))
        others = [f.path for f in model.files if f.path.endswith("/MLmodel") and not f.path.startswith(parts)]
        if others:
            more = f" and {len(others) - 3} more" if len(others) > 3 else ""
            yield self.finding(
                f"the folder holds other models inside: {', '.join(others[:3])}{more}; only the root one is served",
                hint="move them out, or name their folders in .envbuildignore",
                spans=[Span(file=path) for path in others[:3]],
            )


def _parts(model: Model) -> Iterator[str]:
    """The folders that the flavors name, each with a slash behind it: what the model loads of itself."""
    for flavor in model.mlmodel.flavors.values() if model.mlmodel is not None else ():
        artifacts = flavor.get("artifacts")
        rows = artifacts.values() if isinstance(artifacts, Mapping) else ()
        named = [row.get("path") for row in rows if isinstance(row, Mapping)]
        for path in (*named, *flavor.values()):
            if isinstance(path, str) and (folder := posixpath.normpath(path.replace("\\", "/"))) != ".":
                yield f"{folder}/"
