"""EB601: a wheel that is named by a path."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule
from ..sources import Source, placed
from ..types import Finding, Target


class LocalWheelPath(BaseRule):
    """A requirement is a wheel on a path of some disk, and the model holds no such file.

    *What it does*: looks for requirements that name a `.whl` file by its path, and for that file in the model folder.
    One that is there is taken from there, unless the model is judged for Azure ML's own image.

    *Why it breaks*: the path means something on the machine that logged the model, or relative to a working directory;
    where the image is built it leads nowhere.

    *Example*: `- /dbfs/FileStore/mylib-1.2-py3-none-any.whl`.

    *Use instead*: `- code/mylib-1.2-py3-none-any.whl` with the file in the model's folder `code`, or `- mylib==1.2`
    with the wheel on an index or in a folder that `--find-links` names.

    *Source*: mlflow/mlflow issue 8232 and pull requests 13702 and 19378; Azure/azureml-examples issue 4026.
    """

    code = "EB601"
    name = "local-wheel-path"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each such line."""
        for source, spans in placed(model, target, "wheel path"):
            inside = _inside(model, source)
            if inside and not target.azure:
                continue
            yield self.finding(
                f"{source.address!r} is a wheel on a path"
                + (" inside the model" if inside else _where(source.address))
                + ": packages are installed by their names",
                hint=_way(source, inside),
                spans=spans,
            )


def _inside(model: Model, source: Source) -> str:
    """The path of the wheel relative to the model folder, if it lies there."""
    path = posixpath.normpath(re.sub(r"^file:(?://)?", "", source.bare).replace("\\", "/"))
    return path if any(file.path == path for file in model.files) else ""


def _where(address: str) -> str:
    if re.match(r"(?:file:)?/*dbfs[:/]|/Volumes/|/Workspace/", address):
        return " of Databricks' file system"
    if re.match(r"(?:file:)?/*[A-Za-z]:[\\/]|\\\\", address):
        return " of a Windows machine"
    if address.startswith(("/", "file:", "~")):
        return " of another machine"
    return ", and the model holds no such file"


def _way(source: Source, inside: str) -> str:
    name, version = source.wheel
    listed = f"list it as `{name}=={version}`" if name else "list it as `name==version`"
    if inside:
        folder = posixpath.dirname(inside) or "."
        return f"{listed}, and name its folder, MODEL/{folder}, in UV_FIND_LINKS for the build"
    return f"{listed}, put the wheel on your package index or into a folder, and name that in UV_INDEX or UV_FIND_LINKS"
