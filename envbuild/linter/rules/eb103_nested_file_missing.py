"""EB103: a requirements file that another one names is not in the model."""

from __future__ import annotations

from ..base import ProblemRule


class NestedFileMissing(ProblemRule):
    """A line `-r FILE` or `-c FILE` names a file that is not in the model folder.

    *What it does*: follows `-r`, `--requirement`, `-c` and `--constraint` in conda.yaml's pip list, python_env.yaml and
    requirements files.

    *Why it breaks*: what the file lists is not installed. A file beside the model, or an address, is not there when the
    model is deployed, and may be another one each time.

    *Example*: `- -r ../requirements/base.txt`.

    *Use instead*: copy the file into the model folder and name it there, or write its lines out.

    *Source*: pip, "Requirements File Format"; mlflow/mlflow issue 5922.
    """

    code = "EB103"
    name = "nested-file-missing"
