"""EB100: no set of packages satisfies the requirements."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model, Span
from ..base import BaseRule
from ..editing import spans_of
from ..types import Failure, Finding, Target


class NoSolution(BaseRule):
    """No set of packages satisfies the requirements.

    *What it does*: with `--resolve`, tells what the solver says of requirements that it found nothing for, and the
    lines that asked. A rule that knows the reason speaks in its place.

    *Why it breaks*: there is nothing to install: pip, conda and envbuild all stop.

    *Example*: `pandas==2.1.1` beside `numpy<1.20`, which that pandas does not take.

    *Use instead*: loosen one of the pins that the explanation names, or take another Python with `--python`.

    *Source*: the explanation is that of uv, the solver.
    """

    code = "EB100"
    name = "no-solution"
    ignorable = False

    def check_failure(self, model: Model, target: Target, failure: Failure) -> Iterator[Finding]:
        """One finding, at the lines that the explanation names."""
        if failure.python:
            message, rest = (
                f"no set of packages satisfies the requirements on Python {failure.python}",
                failure.explanation,
            )
        else:
            # No solver was asked: a line could not be put to it.
            message, _, rest = failure.explanation.partition("\n")
        hint = "\n".join(part for part in (failure.hint, rest) if part)
        yield self.finding(message, hint=hint, spans=_places(model, failure.blamed))


def _places(model: Model, blamed: tuple[str, ...]) -> list[Span]:
    found: list[Span] = []
    for name in blamed:
        # mlflow is laid down as mlflow-skinny, so it may be that name which stands in the way.
        for written in (name, name.removesuffix("-skinny")):
            found += [span for span in spans_of(model, written) if span not in found]
    return found
