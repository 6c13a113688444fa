"""A person's scoring script, as its syntax tree shows it: what it imports, and how `init` and `run` are defined."""

from __future__ import annotations

from .modules import imported_modules
from .reading import LEFT_OUT, parse_script, read_scoring_script
from .types import Function, Import, Parameter, ScoringScript

__all__ = [
    "LEFT_OUT",
    "Function",
    "Import",
    "Parameter",
    "ScoringScript",
    "imported_modules",
    "parse_script",
    "read_scoring_script",
]
