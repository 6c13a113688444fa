"""EB010: a Spark model needs Java."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule, key_spans
from ..debian import has_java, java_hint, may_have_java
from ..types import Finding, Locked, Target


class SparkFlavor(BaseRule):
    """The model is loaded by Spark, and the image has no Java runtime.

    *What it does*: looks for `mlflow.spark` as the loader, and for a Java runtime among the packages of `--apt`, and
    once the base is known in all of it.

    *Why it breaks*: Spark runs on a Java runtime, which no base image of envbuild holds by itself, nor does Azure ML's.

    *Example*: `mlflow.spark.log_model(pipeline, ...)`.

    *Use instead*: export the model to a format without Spark, such as ONNX; or `--apt openjdk-17-jre-headless`, with
    `--apt bash --apt coreutils` for Spark's launcher, which is a shell script; or a `--base` that holds all of them.

    *Source*: MLflow, `mlflow.spark`; Azure ML, "Deploy MLflow models", Limitations; Apache Spark, `bin/spark-class`.
    """

    code = "EB010"
    name = "spark-flavor"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        if _by_spark(model) and not may_have_java(target):
            yield self._found(model, "the image does not have", "" if target.azure else java_hint())

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """At most one finding, by what the base really has."""
        if _by_spark(model) and locked.libraries and not has_java(locked) and not target.azure:
            yield self._found(model, f"{locked.base.name} does not have", java_hint(locked.base))

    def _found(self, model: Model, lacks: str, hint: str) -> Finding:
        return self.finding(
            f"the model is loaded by Spark, which needs a Java runtime that {lacks}",
            hint="export the model to a format without Spark" + (f"; or {hint}" if hint else ""),
            spans=key_spans(model, "flavors.python_function.loader_module"),
        )


def _by_spark(model: Model) -> bool:
    return model.mlmodel is not None and model.mlmodel.loader_module == "mlflow.spark"
