"""envbuild turns an MLflow model folder into a small, reproducible, tested serving image.

import envbuild

for finding in envbuild.lint("./model", server="envbuild"):
    print(finding.code, finding.message)

model = envbuild.load("./model")
built = envbuild.build(model, tags=["myimg"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import build as build
    from .api import lint as lint
    from .api import load as load
    from .api import lock as lock
    from .api import plan as plan
    from .built import Built as Built
    from .linter.types import Edit as Edit
    from .linter.types import Finding as Finding
    from .model.types import Model as Model
    from .model.types import Span as Span
    from .options import Options as Options

__version__ = "0.1.0"
__all__ = [
    "Built",
    "Edit",
    "Finding",
    "Model",
    "Options",
    "Span",
    "__version__",
    "build",
    "lint",
    "load",
    "lock",
    "plan",
]

# Nothing is imported before it is asked for: `envbuild lint` starts in a blink.
_ELSEWHERE = {
    "Built": "built",
    "Edit": "linter.types",
    "Finding": "linter.types",
    "Model": "model.types",
    "Options": "options",
    "Span": "model.types",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_ELSEWHERE.get(name, 'api')}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
