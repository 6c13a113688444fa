"""EB010: a model that Spark or h2o loads needs Java."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.java import java_loader
from ...model.types import Model
from ..base import BaseRule, key_spans
from ..debian import has_java, may_have_java
from ..types import Finding, Locked, Target

_HINT = (
    "take a base of envbuild's own, which gets one: --base debian:bookworm, with --python 3.11; or name an image with "
    "one by --base"
)
_BY = {"mlflow.h2o": "h2o", "mlflow.johnsnowlabs": "Spark", "mlflow.spark": "Spark"}


class SparkFlavor(BaseRule):
    """The model is loaded by Spark or h2o, and the image has no Java runtime.

    *What it does*: looks for `mlflow.spark`, `mlflow.johnsnowlabs` or `mlflow.h2o` as the loader, and once the base is
    known for a Java runtime in all of it. An assembled base (`debian:bookworm`) gets one without being asked; a base
    from a registry, also where `auto` takes one for want of another with the model's Python, is as it is.

    *Why it breaks*: both run on a Java runtime, which no image of Python holds by itself, nor does Azure ML's.

    *Example*: `mlflow.spark.log_model(pipeline, ...)`, built with `--base python:3.12-slim`.

    *Use instead*: an assembled base, `--base debian:bookworm`; or a `--base` that holds a Java runtime, and for Spark's
    launcher bash; or export the model to a format without Spark, such as ONNX.

    *Source*: MLflow, `mlflow.spark`; Azure ML, "Deploy MLflow models", Limitations; Apache Spark, `bin/spark-class`.
    """

    code = "EB010"
    name = "spark-flavor"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        if java_loader(model) and not may_have_java(model, target):
            yield self._found(model, "the image does not have", "")

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """At most one finding, by what the base really has."""
        if java_loader(model) and locked.libraries and not has_java(locked) and not target.azure:
            yield self._found(model, f"{locked.base.name} does not have", _HINT)

    def _found(self, model: Model, lacks: str, hint: str) -> Finding:
        by = _BY[java_loader(model)]
        return self.finding(
            f"the model is loaded by {by}, which needs a Java runtime that {lacks}",
            hint="; or ".join(filter(None, [hint, f"export the model to a format without {by}"])),
            spans=key_spans(model, "flavors.python_function.loader_module"),
        )
