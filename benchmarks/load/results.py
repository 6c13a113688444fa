"""What a run under load found: for each server and model the values of every round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import BenchError
from ..profiled import Imports, longest
from .wrk import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The load of some seconds over `connections`: what wrk told, and the CPU seconds of the server meanwhile."""

    connections: int
    told: Told
    main_cpu: float
    others_cpu: float

    @property
    def rate(self) -> float:
        """Requests answered a second."""
        return self.told.requests / self.told.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One start of a server: seconds to the first answer, the windows, and its proportional bytes after them.

    `checked` is the number of answers under load that were compared with the model's own.
    """

    start: float
    checked: int
    windows: tuple[Window, ...]
    main: int
    workers: tuple[int, ...]
    rest: int

    @property
    def memory(self) -> float:
        """Bytes for a worker: of the whole process tree, shared out among the workers."""
        return (self.main + sum(self.workers) + self.rest) / len(self.workers)

    def window(self, connections: int) -> Window:
        """The window of so many connections; BenchError if there was none."""
        for window in self.windows:
            if window.connections == connections:
                return window
        raise BenchError(f"{connections} connections were not measured")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A server with a model, every round of it."""

    model: str
    server: str
    title: str
    turns: tuple[Turn, ...]

    def values(self, of: Callable[[Turn], float]) -> tuple[float, ...]:
        """A figure of each round."""
        return tuple(of(turn) for turn in self.turns)

    def rates(self, connections: int) -> tuple[float, ...]:
        """Requests a second of each round."""
        return self.values(lambda turn: turn.window(connections).rate)

    def p50(self, connections: int) -> tuple[float, ...]:
        """The median latency of each round in seconds."""
        return self.values(lambda turn: turn.window(connections).told.p50)

    def p99(self, connections: int) -> tuple[float, ...]:
        """The 99th percentile of the latency of each round in seconds."""
        return self.values(lambda turn: turn.window(connections).told.p99)

    def cpu(self, connections: int, of: Callable[[Window], float]) -> float:
        """CPU seconds for a request, over all rounds."""
        windows = [turn.window(connections) for turn in self.turns]
        return sum(of(window) for window in windows) / sum(window.told.requests for window in windows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Where a process's CPU time goes: shares by the package that runs, and by function with all that it calls."""

    samples: int
    packages: tuple[tuple[str, float], ...]
    functions: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A server under the most connections: the process that speaks HTTP, and a worker."""

    model: str
    server: str
    main: Samples
    worker: Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """All that a run found.

    `models` are titles and bytes of a request by key, `seconds` those of a window by model and connections.
    """

    machine: dict[str, str]
    versions: dict[str, str]
    seconds: dict[str, dict[int, int]]
    models: dict[str, tuple[str, int]]
    cases: tuple[Case, ...]
    profiles: tuple[Profile, ...]
    imports: tuple[Imports, ...]

    def case(self, model: str, server: str) -> Case:
        """The case of a server and a model; BenchError if it was not measured."""
        for case in self.cases:
            if (case.model, case.server) == (model, server):
                return case
        raise BenchError(f"{server} was not measured with {model}")

    def profile(self, model: str, server: str) -> Profile | None:
        """The profile of a server and a model, if one was taken."""
        return next((each for each in self.profiles if (each.model, each.server) == (model, server)), None)

    def imported(self, server: str) -> Imports | None:
        """What a server imports, if that was taken."""
        return next((each for each in self.imports if each.server == server), None)

    def as_json(self, count: int = 60) -> dict[str, Any]:
        """The figures for machines; of the imports, the `count` with the longest times of their own."""
        found = asdict(self)
        found["imports"] = [longest(entry, count) for entry in found["imports"]]
        return found
