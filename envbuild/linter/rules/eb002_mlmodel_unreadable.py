"""EB002: MLmodel cannot be read."""

from __future__ import annotations

from ..base import ProblemRule


class MlmodelUnreadable(ProblemRule):
    """MLmodel is not what MLflow writes.

    *What it does*: reads MLmodel as YAML within limits of size, depth and expansion, with each key once, at least one
    flavor, and a signature that is JSON.

    *Why it breaks*: MLflow fails to load such a file when the container starts, or takes another value than was meant.

    *Example*: a file cut short by a full disk, merged by hand, or indented with tabs.

    *Use instead*: log or copy the model again.

    *Source*: YAML 1.1; MLflow, "MLflow Models", Storage Format.
    """

    code = "EB002"
    name = "mlmodel-unreadable"
    ignorable = False
