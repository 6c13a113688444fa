"""What the rules on system libraries share: which Debian package has a library, and how it comes into the image."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from ..facts import load_json
from ..model.java import JAVA, is_runtime, java_loader, spark_packages
from ..model.types import Model
from .types import Locked, Target

if TYPE_CHECKING:
    from ..bases.types import Base

# The C library of each release of Debian tells which it is; an image says no more of itself.
_SUITES = {"2.31": "bullseye", "2.36": "bookworm", "2.41": "trixie"}


def facts() -> Any:
    """The table of system libraries."""
    return load_json("system_libraries.json")


def suite_of(base: Base) -> str:
    """The release of Debian that `base` is, as far as its C library shows it; empty for any other."""
    return _SUITES.get(base.glibc, "")


def packages_for(libraries: Iterable[str], base: Base) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The Debian packages that have `libraries`, sorted, and the libraries for which none is known."""
    packages: set[str] = set()
    unknown: list[str] = []
    for library in libraries:
        known = facts()["debian"].get(library, {})
        name = known if isinstance(known, str) else known.get(suite_of(base), "")
        if name:
            packages.add(name)
        else:
            unknown.append(library)
    return tuple(sorted(packages)), tuple(unknown)


def way_to(packages: Collection[str], base: Base) -> str:
    """How `packages` come into an image on `base`; empty for none."""
    if not packages:
        return ""
    names = sorted(packages)
    options = " ".join(f"--apt {name}" for name in names)
    if base.assembled:
        return f"{options} adds what is missing to the base"
    return (
        f"name an image that has {', '.join(names)} with --base (built FROM this one, its Dockerfile installs them), "
        f"or take a base of envbuild's own: --base debian:bookworm {options}"
    )


def may_have_java(model: Model, target: Target) -> bool:
    """Whether the image may have a Java runtime.

    --apt adds one, and a loader that needs it has one added to an assembled base; or the base is an image that nobody
    has opened yet. No other base that envbuild makes or chooses itself has one, nor has Azure ML's.
    """
    if target.azure:
        return False
    own = target.base == "auto" or target.base.startswith("debian:")
    return not own or bool(java_loader(model)) or any(map(is_runtime, target.apt))


def has_java(locked: Locked) -> bool:
    """Whether the base, with what --apt adds to it, has a Java runtime."""
    return JAVA in locked.libraries


def java_hint(base: Base | None = None) -> str:
    """How what Spark needs comes into an image, on `base` where it is known."""
    if base is None:
        return " ".join(f"--apt {name}" for name in spark_packages()) + " adds one to a base of Debian 12 (Python 3.11)"
    return way_to(spark_packages(suite_of(base)), base)
