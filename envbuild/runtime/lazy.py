"""Leave out of start-up what MLflow imports and serving never uses.

`import mlflow.pyfunc` brings in mlflow.genai, mlflow.gateway and fastapi, which take time. They are made lazy
with the standard library's LazyLoader: present in sys.modules, loaded when something is read from them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

UNUSED = ("mlflow.genai", "mlflow.gateway", "fastapi")
NEEDED = "pydantic"
"""What they all import. MLflow before 2.20 does not bring it, and goes without mlflow.gateway then: a lazy one would
look as if it could be had, and fail whoever reads an attribute of every module, as `inspect` does."""


class LazyFinder(MetaPathFinder):
    """Finds the named modules as the path does, with a loader that waits."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the lazy spec of a named module that is there, else None."""
        if fullname not in self.names or PathFinder.find_spec(NEEDED) is None:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


def install(names: Iterable[str] = UNUSED) -> None:
    """Make modules lazy that are not imported yet.

    Not for several threads that could be the first to use one: before Python 3.12 LazyLoader may then load it twice.
    """
    sys.meta_path.insert(0, LazyFinder(names))
