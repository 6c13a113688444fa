"""EB803: databricks-connect beside pyspark."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule
from ..editing import requirements_of, spans_of
from ..types import Finding, Locked, Target

_NAMES = ("databricks-connect", "pyspark")


class DatabricksConnectWithPyspark(BaseRule):
    """Two packages that both are the module `pyspark` are installed over each other.

    *What it does*: looks for databricks-connect and pyspark among the requirements, and once they are chosen among all
    packages.

    *Why it breaks*: both bring a folder `pyspark`; whichever is laid down last wins file by file, and the mixture fails
    at import or at its first session. databricks-connect needs a Databricks cluster besides, which a serving image has
    not.

    *Example*: `- databricks-connect==14.3.0` and `- pyspark==3.5.0`, as a notebook's environment is inferred.

    *Use instead*: one of the two; neither, if the model predicts without Spark.

    *Source*: Databricks, "Install Databricks Connect for Python": uninstall PySpark; mlflow/mlflow pull request 15251.
    """

    code = "EB803"
    name = "databricks-connect-with-pyspark"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding: both are listed."""
        if all(requirements_of(model, name) for name in _NAMES):
            yield self._found(model)

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """At most one finding: both are locked."""
        if all(locked.version(name) for name in _NAMES):
            yield self._found(model)

    def _found(self, model: Model) -> Finding:
        return self.finding(
            "databricks-connect and pyspark both bring the module pyspark, and overwrite each other's files",
            hint="keep one of the two, or neither if the model predicts without Spark",
            spans=spans_of(model, *_NAMES),
        )
