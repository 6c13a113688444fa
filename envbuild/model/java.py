"""The Java runtime that some models are loaded by: an assembled base gets one from the packages of its suite."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..facts import load_json
from ..patterns import pattern
from .types import Model

# Java's own library lies wherever its runtime does; programs find it by JAVA_HOME or beside `java`.
JAVA = "libjvm.so"
_RUNTIMES = pattern(r"(?:openjdk-\d+|default)-(?:jre|jdk)(?:-headless)?\Z")


def java_loader(model: Model) -> str:
    """The model's loader module, where it starts a Java program (`mlflow.spark`); else empty."""
    loader = model.mlmodel.loader_module if model.mlmodel is not None else ""
    return loader if loader.startswith("mlflow.") and loader in load_json("java_loaders.json")["loaders"] else ""


def java_packages(model: Model, base: str, apt: Collection[str]) -> tuple[str, ...]:
    """The Debian packages that `model` needs of the base called `base`, beyond those of `apt`.

    None for a model that needs no Java, and for a base that is not assembled: that has Java, or the rules say so.
    A runtime among `apt` stands in for the suite's own.
    """
    loader = java_loader(model)
    kind, _, suite = base.partition(":")
    runtime = runtimes().get(suite, "") if loader and kind == "debian" else ""
    if not runtime:
        return ()
    own = () if any(is_runtime(name) for name in apt) else (runtime,)
    return tuple(name for name in (*own, *load_json("java_loaders.json")["loaders"][loader]) if name not in apt)


def spark_packages(suite: str = "bookworm") -> tuple[str, ...]:
    """The Debian packages that Spark needs of a suite: its Java runtime first, bookworm's where it has none."""
    known = runtimes()
    return (known.get(suite, known["bookworm"]), *load_json("java_loaders.json")["loaders"]["mlflow.spark"])


def runtimes() -> Mapping[str, str]:
    """The package of a Java runtime without a screen, by the code name of the suite of Debian."""
    found: Mapping[str, str] = load_json("system_libraries.json")["debian"][JAVA]
    return found


def is_runtime(package: str) -> bool:
    """Whether a Debian package is, or depends on, a Java runtime."""
    return _RUNTIMES.match(package) is not None
