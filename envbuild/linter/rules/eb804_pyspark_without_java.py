"""EB804: pyspark in an image without a Java runtime."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.java import java_loader
from ...model.types import Model, Span
from ..base import BaseRule
from ..debian import has_java, java_hint, may_have_java
from ..editing import spans_of
from ..pins import python_of
from ..types import Finding, Locked, Target


class PysparkWithoutJava(BaseRule):
    """The environment has pyspark, and the image has no Java runtime.

    *What it does*: looks for pyspark among the requirements, and once they are chosen among all packages; and for a
    Java runtime among the packages of `--apt` and in the base. An error where the scoring script imports pyspark, else
    a warning: imported alone, pyspark needs no Java. A model that Spark itself loads is EB010's.

    *Why it breaks*: "JAVA_GATEWAY_EXITED: Java gateway process exited before sending its port number" as soon as a
    Spark session is started.

    *Example*: `- pyspark==3.5.1` in the environment of a model that was trained on a cluster.

    *Use instead*: take pyspark out if the model does not predict with it, as most do not: it is 300 MB. Else
    `--apt openjdk-17-jre-headless --apt bash --apt coreutils --apt libnss-wrapper --apt libsnappy-jni`, or a base with
    a Java runtime; without the last two Spark wants a user with an entry in /etc/passwd, and a /tmp that libraries can
    be loaded from.

    *Source*: Apache Spark, "Installation", Java 8/11/17; mlflow/mlflow pull request 15251.
    """

    code = "EB804"
    name = "pyspark-without-java"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding: pyspark is listed."""
        spans = spans_of(model, "pyspark")
        if spans and not java_loader(model) and not may_have_java(model, target):
            hint = "" if target.azure else java_hint()
            yield self._found(target, spans, "the image", hint, python_of(model, target))

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """At most one finding: pyspark is locked, and the base has no Java."""
        known = locked.libraries and not target.azure
        if known and locked.version("pyspark") and not java_loader(model) and not has_java(locked):
            spans, hint = spans_of(model, "pyspark"), java_hint(locked.base)
            yield self._found(target, spans, locked.base.name, hint, locked.lock.python)

    def _found(self, target: Target, spans: tuple[Span, ...], where: str, hint: str, python: str) -> Finding:
        imports = target.script.imports_on(python) if target.script is not None else ()
        used = any(one.certain and one.name.split(".")[0] == "pyspark" for one in imports)
        what = "and the scoring script imports it" if used else "and a Spark session cannot be started there"
        return self.finding(
            f"pyspark needs a Java runtime that {where} does not have, {what}",
            hint="take pyspark out if the model predicts without it" + (f"; or {hint}" if hint else ""),
            spans=spans,
            severity="error" if used else "warning",
        )
