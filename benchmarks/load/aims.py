"""What envbuild's server aims at under load, against MLflow's and Azure ML's, and whether it gets there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ..figures import median
from .results import Case, Serving
from .servers import DELAYS
from .wrk import connections_of

MODEL = "linear"
"""The model that the aims are about: what it needs by itself hides least of what a server does."""

Of = Literal["rate", "p99", "memory", "start"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """A bound for the ratio of envbuild to another server: for `rate` the least, for all else the most."""

    of: Of
    against: Literal["mlflow", "azure"]
    bound: float
    words: str
    connections: int = 0
    batching: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """An aim, and the medians of both sides: requests/s, seconds or bytes."""

    aim: Aim
    server: str
    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """envbuild's figure over the other server's."""
        return self.ours / self.theirs

    @property
    def reached(self) -> bool:
        """Whether the ratio is within the bound."""
        return self.ratio >= self.aim.bound if self.aim.of == "rate" else self.ratio <= self.aim.bound


def _aims() -> Iterable[Aim]:
    for connections in (8, 64):
        yield Aim(of="rate", against="mlflow", connections=connections, bound=2.5, words="2.5 times MLflow's")
        yield Aim(of="rate", against="azure", connections=connections, bound=1.5, words="1.5 times Azure ML's")
    yield Aim(of="rate", against="mlflow", connections=64, bound=5.0, words="5 times MLflow's", batching=True)
    for connections in (8, 64):
        yield Aim(of="p99", against="mlflow", connections=connections, bound=1.0, words="no worse than MLflow's")
        yield Aim(of="p99", against="azure", connections=connections, bound=1.0, words="no worse than Azure ML's")
    yield Aim(of="p99", against="mlflow", connections=64, bound=1.0, words="no worse than MLflow's", batching=True)
    yield Aim(of="memory", against="mlflow", bound=1.0, words="no higher than MLflow's")
    yield Aim(of="start", against="mlflow", bound=0.5, words="half of MLflow's")


AIMS: tuple[Aim, ...] = tuple(_aims())


def best_batching(serving: Serving) -> str:
    """The server with batches that answers most over 64 connections. BenchError if none was measured."""
    return max((f"batch{delay}" for delay in DELAYS), key=lambda server: median(serving.case(MODEL, server).rates(64)))


def judge(serving: Serving) -> list[Judgement]:
    """All aims in their order. BenchError if the model or a server was not measured."""
    return [compare(aim, serving, MODEL) for aim in AIMS]


def beside(aim: Aim, serving: Serving, model: str) -> float | None:
    """The same ratio with a model that the aim is not about; None where it was not asked over so many connections."""
    if aim.connections and aim.connections not in connections_of(model):
        return None
    return compare(aim, serving, model).ratio


def compare(aim: Aim, serving: Serving, model: str) -> Judgement:
    """The medians that an aim compares. BenchError if a server was not measured."""
    server = best_batching(serving) if aim.batching else "envbuild"
    ours, theirs = (_figure(aim, serving.case(model, each)) for each in (server, aim.against))
    return Judgement(aim=aim, server=server, ours=ours, theirs=theirs)


def _figure(aim: Aim, case: Case) -> float:
    if aim.of == "rate":
        return median(case.rates(aim.connections))
    if aim.of == "p99":
        return median(case.p99(aim.connections))
    return median(case.values(lambda turn: turn.memory if aim.of == "memory" else turn.start))
