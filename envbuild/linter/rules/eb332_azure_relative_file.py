"""EB332: a file of the model that conda.yaml names, and that Azure ML does not find."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from ...model.texts import split_lines
from ...model.types import Model, Span
from ...patterns import pattern
from ..base import BaseRule
from ..types import Finding, Target

_NAMED = pattern(r"(?<![\w-])(?P<line>(?:-[rc]|--requirement[\s=]|--constraint[\s=])\s*=?\s*(?P<file>[^\s'\"#,\]]+))")


class AzureRelativeFile(BaseRule):
    """conda.yaml names another file of the model: `-r requirements.txt`.

    *What it does*: with `--target azure`, looks for `-r`, `-c` and their long forms in conda.yaml's pip list.

    *Why it breaks*: Azure ML copies conda.yaml alone to a folder for temporary files and creates the environment there:
    pip does not find the other file, and the container stops with exit code 95.

    *Example*: `- -r requirements.txt`.

    *Use instead*: the lines of that file, written out in conda.yaml. envbuild reads such files from the model folder.

    *Source*: Azure/azureml-assets, mlflow-model-inference, `gunicorn/run`.
    """

    code = "EB332"
    name = "azure-relative-file"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each file."""
        environment = model.environment
        if not target.azure or target.script is not None or environment.source != "conda.yaml":
            return
        if len(environment.files) < 2:
            return
        # What lies behind a file of conda.yaml is named in that one, and has no place of its own.
        for name, span in _places(model) or [(environment.files[1], Span(file=environment.files[0]))]:
            yield self.finding(
                f"Azure ML does not find {name[:80]!r}: it takes conda.yaml alone out of the model",
                hint=f"write the lines of {name[:80]} out in conda.yaml",
                spans=[span],
            )


def _places(model: Model) -> list[tuple[str, Span]]:
    """The files that the reader followed out of conda.yaml, each as written and where it is named first."""
    file, *others = model.environment.files
    found: dict[str, tuple[str, Span]] = {}
    for number, line in enumerate(split_lines(file, model.texts.get(file, "")), 1):
        for match in () if line.lstrip().startswith("#") else _NAMED.finditer(line):
            label = posixpath.normpath(posixpath.join(posixpath.dirname(file), match["file"]))
            span = Span(file=file, line=number, column=match.start("line") + 1, end_column=match.end("line") + 1)
            if label in others:
                found.setdefault(label, (match["file"], span))
    return list(found.values())
