"""EB101: an environment file that cannot be read as it stands."""

from __future__ import annotations

from ..base import ProblemRule


class BadRequirement(ProblemRule):
    """A line of an environment file is no requirement, or the file cannot be read.

    *What it does*: reads conda.yaml, or python_env.yaml and the files that it names, or requirements.txt, line by line.

    *Why it breaks*: no resolver takes the line, so no environment can be made.

    *Example*: `- numpy=1.26.4` in conda.yaml's pip list.

    *Use instead*: `- numpy==1.26.4`.

    *Source*: PEP 508; pip, "Requirements File Format".
    """

    code = "EB101"
    name = "bad-requirement"
