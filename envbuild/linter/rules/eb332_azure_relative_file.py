"""EB332: a file of the model that conda.yaml names, and that Azure ML does not find."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.texts import split_lines
from ...model.types import Model, Span
from ...patterns import pattern
from ..base import BaseRule
from ..types import Finding, Target

_NAMED = pattern(r"^\s*-\s*['\"]?(?P<line>(?:-r|-c|--requirement|--constraint)[\s=]\s*(?P<file>[^\s'\"#]+))")


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
        file = environment.files[0]
        for number, line in enumerate(split_lines(file, model.texts.get(file, "")), 1):
            found = _NAMED.match(line)
            if found is None or "://" in found["file"] or found["file"].startswith("/"):
                continue
            span = Span(file=file, line=number, column=found.start("line") + 1, end_column=found.end("line") + 1)
            yield self.finding(
                f"Azure ML does not find {found['file'][:80]!r}: it takes conda.yaml alone out of the model",
                hint=f"write the lines of {found['file'][:80]} out in conda.yaml",
                spans=[span],
            )
