"""Rules that find, before anything is resolved or built, what would break the image."""

from __future__ import annotations

from .engine import RULES, run

__all__ = ["RULES", "run"]
