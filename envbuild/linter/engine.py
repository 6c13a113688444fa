"""Finding the rules, choosing among them, and running them stage by stage.

A rule is one file in `rules/`, named `ebNNN_name.py`, with one subclass of BaseRule. Nothing else lists it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from ..errors import UsageError
from ..model.types import Model, Pickle
from . import rules
from .base import BaseRule
from .types import Choice, Failure, Finding, Locked, Stage, Target


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
_ALL = Choice()


def run(
    model: Model,
    target: Target,
    choice: Choice = _ALL,
    *,
    pickles: Callable[[], Sequence[Pickle]] | None = None,
) -> list[Finding]:
    """What the rules find in the files of `model` for `target`, by code and then by place.

    `pickles` reads the model's pickles, and is called only if a chosen rule looks at them; None leaves those rules
    out. Raises UsageError for a choice that no rule fits, or that leaves out what nothing can be built without.
    """
    chosen = rules_of(choice)
    # Without an MLmodel this is no model: what else could be said of the folder would only distract.
    missing = any(problem.code == "EB001" for problem in model.problems)
    if missing:
        chosen = [rule for rule in chosen if rule.code == "EB001"]
    found: list[Finding] = []
    scanned: Sequence[Pickle] | None = None
    for rule in chosen:
        found += rule.check(model, target)
        if pickles is not None and "pickle" in rule.stages():
            scanned = pickles() if scanned is None else scanned
            found += rule.check_pickles(model, target, scanned)
    return _judged(found + _unclaimed(model), choice)


def run_lock(
    model: Model, target: Target, locked: Locked, choice: Choice = _ALL, *, before: Sequence[Finding] = ()
) -> list[Finding]:
    """`before`, what `run` found, with what the chosen packages and the base show; a rule's last word counts."""
    found = _stage("lock", choice, lambda rule: rule.check_lock(model, target, locked))
    said = {finding.code for finding in found}
    return _sorted([*(finding for finding in before if finding.code not in said), *_judged(found, choice)])


def run_failure(
    model: Model, target: Target, failure: Failure, choice: Choice = _ALL, *, before: Sequence[Finding] = ()
) -> list[Finding]:
    """`before`, what `run` found, with what can be said of a resolution that found nothing."""
    found = _stage("failure", choice, lambda rule: rule.check_failure(model, target, failure))
    return _sorted([*before, *_judged(found, choice)])


def matching(text: str) -> list[BaseRule]:
    """The rules that a person means by a code, a name, the beginning of a code (`EB3`) or `ALL`."""
    wanted = text.strip()
    if wanted.upper() == "ALL":
        return list(RULES)
    exact = [rule for rule in RULES if wanted.upper() == rule.code or wanted.lower() == rule.name]
    if exact or not wanted.upper().startswith("EB"):
        return exact
    return [rule for rule in RULES if rule.code.startswith(wanted.upper())]


def rules_of(choice: Choice) -> list[BaseRule]:
    """The rules that count. Raises UsageError as `run`."""
    selected = {rule.code for text in choice.select for rule in _meant(text, "select")}
    ignored: set[str] = set()
    for text in choice.ignore:
        rules_meant = _meant(text, "ignore")
        if len(rules_meant) == 1 and not rules_meant[0].ignorable:
            rule = rules_meant[0]
            raise UsageError(
                f"{rule.code} ({rule.name}) cannot be ignored: there would be nothing to build",
                hint="mend what it finds",
            )
        ignored |= {rule.code for rule in rules_meant}
    return [
        rule
        for rule in RULES
        if not rule.ignorable or ((not choice.select or rule.code in selected) and rule.code not in ignored)
    ]


def _meant(text: str, purpose: str) -> list[BaseRule]:
    found = matching(text)
    if not found:
        raise UsageError(
            f"there is no rule {text.strip()!r} to {purpose}",
            hint="use a code that a finding shows, like EB302, or the beginning of several, like EB3",
        )
    return found


def _stage(stage: Stage, choice: Choice, check: Callable[[BaseRule], Iterable[Finding]]) -> list[Finding]:
    return [finding for rule in rules_of(choice) if stage in rule.stages() for finding in check(rule)]


def _judged(findings: Sequence[Finding], choice: Choice) -> list[Finding]:
    if not choice.strict:
        return list(findings)
    return [replace(f, severity="error") if f.severity == "warning" else f for f in findings]


def _sorted(findings: Collection[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: finding.code)


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
