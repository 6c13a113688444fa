"""What every rule has in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from ..model.types import Model, Pickle, Span
from .types import Edit, Failure, Finding, Locked, Severity, Stage, Target

_CHECKS: dict[Stage, str] = {
    "static": "check",
    "pickle": "check_pickles",
    "lock": "check_lock",
    "failure": "check_failure",
}


class BaseRule:
    """A rule: class variables say what it is, the checks find. The docstring is its page for people.

    A subclass has a docstring with the sections *What it does*, *Why it breaks*, *Example*, *Use instead* and
    *Source*, and defines one check or more: each belongs to a stage, and is called with what is known by then. What
    `check_lock` finds takes the place of what the earlier checks of the same rule found. `ignorable` is False where
    nothing can be built in spite of the finding.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity] = "error"
    ignorable: ClassVar[bool] = True

    def check(self, model: Model, target: Target) -> Iterable[Finding]:
        """What the model's files show, in the order of their places. No network, no solver."""
        return ()

    def check_pickles(self, model: Model, target: Target, pickles: Sequence[Pickle]) -> Iterable[Finding]:
        """What the opcodes of the model's pickles show."""
        return ()

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterable[Finding]:
        """What the chosen packages and the base show."""
        return ()

    def check_failure(self, model: Model, target: Target, failure: Failure) -> Iterable[Finding]:
        """What can be said about a resolution that found nothing."""
        return ()

    @classmethod
    def stages(cls) -> tuple[Stage, ...]:
        """The stages in which this rule finds anything."""
        return tuple(stage for stage, name in _CHECKS.items() if getattr(cls, name) is not getattr(BaseRule, name))

    def finding(
        self,
        message: str,
        *,
        hint: str = "",
        spans: Sequence[Span] = (),
        edits: Sequence[Edit] = (),
        severity: Severity | None = None,
        safe: bool = True,
    ) -> Finding:
        """A finding of this rule, of its usual severity unless another is given."""
        return Finding(
            code=self.code,
            name=self.name,
            severity=severity or self.severity,
            message=message,
            help=hint,
            spans=tuple(spans),
            edits=tuple(edits),
            safe=safe,
        )


class ProblemRule(BaseRule):
    """A rule that hands on what the reader could not take under its code."""

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each problem with this rule's code."""
        for problem in model.problems:
            if problem.code == self.code:
                spans = (problem.span,) if problem.span else ()
                yield self.finding(problem.message, hint=problem.help, spans=spans)


def key_spans(model: Model, *keys: str) -> tuple[Span, ...]:
    """The place of the first of the dotted MLmodel keys that is there, as a tuple of one; else of the file's top."""
    if model.mlmodel is None:
        return ()
    for key in keys:
        if key in model.mlmodel.spans:
            return (model.mlmodel.spans[key],)
    return (Span(file="MLmodel"),)


def environment_is_unreadable(model: Model) -> bool:
    """Whether nothing is known of the requirements because their file could not be read."""
    environment = model.environment
    nothing = not (environment.pip or environment.conda or environment.lines or environment.python)
    broken = {p.span.file for p in model.problems if p.code in ("EB101", "EB103") and p.span}
    return environment.source == "none" or (nothing and not broken.isdisjoint(environment.files))
