"""EB204: a version that YAML takes for a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ...model.texts import split_lines
from ...model.types import Model
from ..base import ProblemRule
from ..types import Edit, Finding, Target


class PythonYamlFloat(ProblemRule):
    """The Python version in python_env.yaml is not in quotes and reads as a number.

    *What it does*: looks at the YAML type of `python` in python_env.yaml.

    *Why it breaks*: `3.10` is the number 3.1; MLflow stops at a TypeError, and other tools look for Python 3.1. `3`
    is a number, too.

    *Example*: `python: 3.10`.

    *Use instead*: `python: "3.10"`.

    *Source*: YAML 1.1, float; MLflow, `_PythonEnv`.
    """

    code = "EB204"
    name = "python-yaml-float"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding, with quotes as its fix unless the version itself is in doubt."""
        for finding in super().check(model, target):
            span = finding.spans[0]
            lines = split_lines(span.file, model.texts.get(span.file, ""))
            line = lines[span.line - 1] if span.line <= len(lines) else ""
            version = line[span.column - 1 : span.end_column - 1]
            # With an anchor or a tag before it, or as a whole number, it is not what quotes go around.
            plain = re.fullmatch(r"[0-9]+\.[0-9]+", version) and version not in ("3.1", "3.2", "3.3")
            if model.uri or model.environment.source == "given" or not plain:
                yield finding
                continue
            text = f'{line[: span.column - 1]}"{version}"{line[span.end_column - 1 :]}'
            yield replace(finding, edits=(Edit(file=span.file, line=span.line, text=text, action="replace"),))
