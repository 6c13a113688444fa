"""Rules that find, before anything is resolved or built, what would break the image.

Importing this imports no rule: a build whose verdict is remembered needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import RULES, matching, rules_of, run, run_failure, run_lock

__all__ = ["RULES", "matching", "rules_of", "run", "run_failure", "run_lock"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import engine

    return getattr(engine, name)
