"""Rules that find, before anything is resolved or built, what would break the image."""

from __future__ import annotations

from .engine import RULES, matching, run, run_failure, run_lock

__all__ = ["RULES", "matching", "run", "run_failure", "run_lock"]
