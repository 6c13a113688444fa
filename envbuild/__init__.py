"""envbuild turns an MLflow model folder into a small, reproducible, tested serving image.

import envbuild

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
    from .options import Options as Options

__version__ = "0.1.0"
__all__ = ["Built", "Options", "__version__", "build", "lint", "load", "lock", "plan"]


def __getattr__(name: str) -> Any:
    # Nothing is imported before it is asked for: `envbuild lint` starts in a blink.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "Options":
        from .options import Options

        return Options
    from . import api

    return getattr(api, name)
