from __future__ import annotations

from lintcases import Case, conda

SAID = (
    "\u00d7 No solution found when resolving dependencies:\n"
    "╰─▶ Because pandas==2.1.1 depends on numpy>=1.23.2 and you require numpy<1.20, we can conclude that your "
    "requirements are unsatisfiable."
)

TRIGGERS = [
    Case(
        files={"conda.yaml": conda("pandas==2.1.1", "numpy<1.20", "mlflow-skinny==3.17.2")},
        explanation=SAID,
        blamed=("pandas", "numpy"),
        at=("conda.yaml:5", "conda.yaml:6"),
        says="on Python 3.11.7",
    ),
    Case(
        files={"conda.yaml": conda("mlflow==2.9.2", "numpy==2.0.0", "pandas==2.2.2")},
        explanation=SAID,
        blamed=("mlflow-skinny",),
        at=("conda.yaml:5",),
    ),
]
# Requirements that look alike, and nothing failed.
NEAR_MISSES = [Case(files={"conda.yaml": conda("pandas==2.1.1", "numpy<1.20", "mlflow-skinny==3.17.2")})]
