"""EB107: a key that comes twice in one mapping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...model.types import Model
from ..base import ProblemRule
from ..types import Finding, Target


class DuplicateYamlKey(ProblemRule):
    """A key comes twice in one mapping of MLmodel, conda.yaml or python_env.yaml.

    *What it does*: compares the keys of each mapping. In a file of requirements that does not count, beside the one
    that does, this is a warning.

    *Why it breaks*: PyYAML, which MLflow and conda read with, takes the last of the two and drops the other without a
    word: half of the packages, or of a flavor, are gone. Other readers refuse the file.

    *Example*: two `dependencies:` in conda.yaml, the second pasted at the end.

    *Use instead*: one key with the entries of both.

    *Source*: YAML 1.1, "Mapping"; yaml/pyyaml issue 165.
    """

    code = "EB107"
    name = "duplicate-yaml-key"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each key."""
        beside = {file for other in model.others for file in other.files} - {*model.environment.files}
        for finding in super().check(model, target):
            unread = bool(finding.spans) and finding.spans[0].file in beside
            yield replace(finding, severity="warning") if unread else finding
