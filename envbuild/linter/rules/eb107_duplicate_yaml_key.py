"""EB107: a key that comes twice in one mapping."""

from __future__ import annotations

from ..base import ProblemRule


class DuplicateYamlKey(ProblemRule):
    """A key comes twice in one mapping of MLmodel, conda.yaml or python_env.yaml.

    *What it does*: compares the keys of each mapping.

    *Why it breaks*: PyYAML, which MLflow and conda read with, takes the last of the two and drops the other without a
    word: half of the packages, or of a flavor, are gone. Other readers refuse the file.

    *Example*: two `dependencies:` in conda.yaml, the second pasted at the end.

    *Use instead*: one key with the entries of both.

    *Source*: YAML 1.1, "Mapping"; yaml/pyyaml issue 165.
    """

    code = "EB107"
    name = "duplicate-yaml-key"
