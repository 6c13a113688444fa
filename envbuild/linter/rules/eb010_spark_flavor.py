"""EB010: a Spark model needs Java."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule, key_spans
from ..types import Finding, Target


class SparkFlavor(BaseRule):
    """The model is loaded by Spark.

    *What it does*: looks for `mlflow.spark` as the loader.

    *Why it breaks*: Spark runs on a Java runtime, which no base image of envbuild holds.

    *Example*: `mlflow.spark.log_model(pipeline, ...)`.

    *Use instead*: export the model to a format without Spark (ONNX, or MLeap's successors), or a base with a JRE and
    `--ignore EB010`.

    *Source*: MLflow, `mlflow.spark`; Azure ML, "Deploy MLflow models", Limitations.
    """

    code = "EB010"
    name = "spark-flavor"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        if model.mlmodel is not None and model.mlmodel.loader_module == "mlflow.spark":
            yield self.finding(
                "the model is loaded by Spark, which needs a Java runtime that the image does not have",
                hint="export the model to a format without Spark; with a --base that holds a JRE, use --ignore EB010",
                spans=key_spans(model, "flavors.python_function.loader_module"),
            )
