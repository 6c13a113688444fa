"""What envbuild aims at, and whether a measure reaches it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .errors import BenchError
from .figures import Measure, Unit, median, quantity, ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """An upper bound for the measure `key`: of its ratio to MLflow, or of envbuild's median itself.

    `at_most` is a fraction for a ratio, else seconds or bytes.
    """

    key: str
    kind: Literal["ratio", "value"]
    at_most: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How a measure stands to its aim; `measured` has the kind of the aim."""

    aim: Aim
    measured: float
    unit: Unit

    @property
    def reached(self) -> bool:
        """Whether the measure is within the bound."""
        return self.measured <= self.aim.at_most

    @property
    def text(self) -> str:
        """The measured figure as it is compared."""
        return ratio(self.measured) if self.aim.kind == "ratio" else quantity(self.measured, self.unit)


AIMS: tuple[Aim, ...] = (
    Aim(key="cold", kind="ratio", at_most=1 / 12, words="a twelfth of MLflow's time (8 s against 100 s)"),
    Aim(key="model_change", kind="ratio", at_most=1 / 100, words="a hundredth of MLflow's time (0.4 s against 43 s)"),
    Aim(key="no_change", kind="value", at_most=0.2, words="under 0.2 s, the whole process"),
    Aim(key="size", kind="ratio", at_most=1 / 4, words="a quarter of MLflow's size (390 MB), with start-up bytecode"),
    Aim(key="gzip", kind="value", at_most=140e6, words="140 MB compressed, with start-up bytecode"),
    Aim(key="first_answer", kind="ratio", at_most=0.4, words="0.4 of MLflow's time (1.7 s)"),
    Aim(key="builder_memory", kind="value", at_most=250e6, words="under 250 MB at its peak"),
    Aim(key="container_memory", kind="ratio", at_most=1 / 3, words="a third of MLflow's memory"),
)


def judge(aim: Aim, measures: Iterable[Measure]) -> Judgement:
    """Compare the measure that `aim` is about. BenchError if it was not taken: a table with holes is not written."""
    for measure in measures:
        if measure.key != aim.key:
            continue
        measured = measure.ratio if aim.kind == "ratio" else median(measure.envbuild) if measure.envbuild else None
        if measured is None:
            break
        return Judgement(aim=aim, measured=measured, unit=measure.unit)
    raise BenchError(f"{aim.key} was not measured for both sides: its aim cannot be judged")
