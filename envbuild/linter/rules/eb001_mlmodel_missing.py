"""EB001: the folder is no MLflow model."""

from __future__ import annotations

from ..base import ProblemRule


class MlmodelMissing(ProblemRule):
    """The folder has no MLmodel file.

    *What it does*: looks for `MLmodel` at the root of the folder.

    *Why it breaks*: MLmodel says how the model is loaded; without it nothing can be.

    *Example*: `envbuild image ./mlruns/0/1f2e/artifacts`, where the model is in `artifacts/model`.

    *Use instead*: `envbuild image ./mlruns/0/1f2e/artifacts/model`.

    *Source*: MLflow, "MLflow Models", Storage Format.
    """

    code = "EB001"
    name = "mlmodel-missing"
    ignorable = False
