"""Finding the rules and running them.

A rule is one file in `rules/`, named `ebNNN_name.py`, with one subclass of BaseRule. Nothing else lists it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection

from ..errors import UsageError
from ..model.types import Model
from . import rules
from .base import BaseRule
from .types import Finding, Target


def discover() -> tuple[BaseRule, ...]:
    """One instance of each rule, sorted by code."""
    found: dict[str, BaseRule] = {}
    for module_info in pkgutil.iter_modules(rules.__path__):
        if not module_info.name.startswith("eb"):
            continue
        module = importlib.import_module(f"{rules.__name__}.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, BaseRule) and value.__module__ == module.__name__:
                found[value.code] = value()
    return tuple(found[code] for code in sorted(found))


RULES = discover()


def run(model: Model, target: Target, *, ignore: Collection[str] = ()) -> list[Finding]:
    """What the rules find in `model` for `target`, by code and then by place.

    `ignore` holds codes or names of rules to leave out. Raises UsageError for one that no rule has, and for a rule
    without which there is no model to build.
    """
    ignored = {_named(text).code for text in ignore}
    # Without an MLmodel this is no model: what else could be said of the folder would only distract.
    missing = any(problem.code == "EB001" for problem in model.problems)
    findings = [
        finding
        for rule in RULES
        if rule.code not in ignored and (not missing or rule.code == "EB001")
        for finding in rule.check(model, target)
    ]
    return findings + _unclaimed(model)


def _named(text: str) -> BaseRule:
    wanted = text.strip()
    for rule in RULES:
        if wanted.upper() == rule.code or wanted.lower() == rule.name:
            if not rule.ignorable:
                raise UsageError(
                    f"{rule.code} ({rule.name}) cannot be ignored: there would be nothing to build",
                    hint="mend what it finds",
                )
            return rule
    raise UsageError(f"there is no rule {wanted!r} to ignore", hint="use a code that a finding shows, like EB302")


def _unclaimed(model: Model) -> list[Finding]:
    """Problems of the reader that no rule knows: none may get lost."""
    codes = {rule.code for rule in RULES}
    return [
        Finding(
            code=problem.code,
            name="unreadable",
            severity="error",
            message=problem.message,
            help=problem.help,
            spans=(problem.span,) if problem.span else (),
        )
        for problem in model.problems
        if problem.code not in codes
    ]
