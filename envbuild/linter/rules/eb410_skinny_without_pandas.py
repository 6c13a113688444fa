"""EB410: mlflow-skinny without what pyfunc imports."""

from __future__ import annotations

from collections.abc import Iterator

from ...facts import load_json
from ...model.types import Model
from ..base import BaseRule
from ..editing import added, spans_of
from ..pins import pins_of, release
from ..types import Edit, Finding, Locked, Target


class SkinnyWithoutPandas(BaseRule):
    """The requirements list mlflow-skinny and nothing that brings numpy and pandas.

    *What it does*: looks for pandas, or a package that is known to need it, beside mlflow-skinny; at the lock, for
    pandas and numpy.

    *Why it breaks*: mlflow.pyfunc imports numpy and pandas, mlflow-skinny asks for neither: the model cannot be
    loaded. envbuild adds them to its own image; other tools do not.

    *Example*: `mlflow-skinny==2.9.2` and `xgboost==2.0.3`, and no more.

    *Use instead*: list `pandas` too, within what that version of MLflow knows.

    *Source*: MLflow, README_SKINNY; mlflow/mlflow issues 3578 and 9367.
    """

    code = "EB410"
    name = "skinny-without-pandas"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        skinny = pins_of(model, target, "mlflow-skinny")
        if not skinny.listed or skinny.unknown:
            return
        if any(pins_of(model, target, name).listed for name in load_json("brings_pandas.json")["packages"]):
            return
        yield self.finding(
            "nothing that is known to bring pandas is listed, which MLflow imports and mlflow-skinny does not ask for",
            hint="list pandas; envbuild adds numpy and pandas to its own image, other tools do not",
            spans=skinny.spans,
            edits=_pandas(model, skinny.exact),
            severity="warning",
        )

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """One finding where one of the two is missing."""
        missing = [name for name in ("numpy", "pandas") if not locked.version(name)]
        skinny = locked.version("mlflow-skinny") and not locked.version("mlflow")
        if skinny and missing:
            yield self.finding(
                f"mlflow imports {' and '.join(missing)}, and the packages of the image lack "
                + ("both" if len(missing) > 1 else "it"),
                hint="list numpy and pandas among the requirements",
                spans=spans_of(model, "mlflow-skinny"),
            )


def _pandas(model: Model, mlflow: str) -> tuple[Edit, ...]:
    ceilings = load_json("mlflow_ceilings.json")["since"]
    known = [row for row in ceilings if release(".".join(map(str, row["mlflow"]))) <= release(mlflow or "99")]
    return added(model, "pandas", f"pandas<{known[-1]['pandas']}")
