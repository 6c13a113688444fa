"""The order of the measurements: both sides in turn, so that a change of the machine's mood meets both."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Any

from . import engine, model, serving
from .baseline import Mlflow, ran
from .errors import BenchError
from .figures import Measure, Unit
from .sampling import Sampler
from .subject import Envbuild


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """How often each side is measured."""

    cold: int = 3
    cold_mlflow: int = 2
    change: int = 5
    change_mlflow: int = 2
    nothing: int = 9
    nothing_mlflow: int = 5
    start: int = 5
    variant_cold: int = 2


_BEGAN = time.monotonic()
QUICK = Repeats(cold=1, cold_mlflow=1, change=2, change_mlflow=1, nothing=3, nothing_mlflow=2, start=2, variant_cold=1)

ROWS: tuple[tuple[str, str, Unit], ...] = (
    ("cold", "cold build", "s"),
    ("model_change", "build after a change of one byte of the model", "s"),
    ("no_change", "build with nothing changed", "s"),
    ("size", "size of the image", "B"),
    ("gzip", "size of `docker save \\| gzip -6`", "B"),
    ("first_answer", "`docker run` to the first 200", "s"),
    ("container_memory", "memory of the container after the first answer", "B"),
    ("builder_memory", "peak memory of the builder", "B"),
)


@dataclass(slots=True)
class Values:
    """The values taken so far, by row and side."""

    envbuild: dict[str, list[float]] = field(default_factory=dict)
    mlflow: dict[str, list[float]] = field(default_factory=dict)

    def measures(self) -> list[Measure]:
        """The rows of the table. BenchError for a row that lacks a side."""
        found = []
        for key, title, unit in ROWS:
            for side in (self.envbuild, self.mlflow):
                if not side.get(key):
                    raise BenchError(f"{key} was not measured for both sides")
            mine, theirs = tuple(self.envbuild[key]), tuple(self.mlflow[key])
            found.append(Measure(key=key, title=title, unit=unit, envbuild=mine, mlflow=theirs))
        return found


@dataclass(slots=True)
class Main:
    """The main table. `result` is the JSON of the last cold build; `peak` the sampler of the one that was sampled."""

    subject: Envbuild
    mlflow: Mlflow
    repeats: Repeats
    values: Values = field(default_factory=Values)
    generate: list[float] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    peak: Sampler = field(default_factory=Sampler)

    def run(self) -> None:
        """Measure everything; the images of both sides are in the engine afterwards."""
        self._cold()
        self._nothing()
        self._change()
        self._size()
        self._start()
        self._memory()

    def _cold(self) -> None:
        for turn in range(max(self.repeats.cold, self.repeats.cold_mlflow)):
            if turn < self.repeats.cold:
                say(f"cold build, envbuild, {turn + 1} of {self.repeats.cold}")
                done, self.result = self.subject.cold(self.mlflow.model)
                _add(self.values.envbuild, "cold", done.seconds)
            if turn < self.repeats.cold_mlflow:
                say(f"cold build, MLflow, {turn + 1} of {self.repeats.cold_mlflow}")
                _add(self.values.mlflow, "cold", self.mlflow.build(cold=True).seconds)

    def _nothing(self) -> None:
        for turn in range(max(self.repeats.nothing, self.repeats.nothing_mlflow)):
            say(f"nothing changed, {turn + 1}")
            if turn < self.repeats.nothing:
                done, result = self.subject.build(self.mlflow.model)
                if result["sent"] or not all(layer["cached"] for layer in result["layers"]):
                    raise BenchError("envbuild made something though nothing had changed")
                _add(self.values.envbuild, "no_change", done.seconds)
            if turn < self.repeats.nothing_mlflow:
                self.generate.append(self.mlflow.generate(self.mlflow.model))
                built = self.mlflow.build()
                if ran(built):
                    raise BenchError("docker build ran a step though nothing had changed")
                _add(self.values.mlflow, "no_change", built.seconds)

    def _change(self) -> None:
        for turn in range(max(self.repeats.change, self.repeats.change_mlflow)):
            say(f"model changed, {turn + 1}")
            model.change(self.mlflow.model)
            if turn < self.repeats.change:
                done, result = self.subject.build(self.mlflow.model)
                if not result["sent"]:
                    raise BenchError("envbuild sent nothing though the model had changed")
                _add(self.values.envbuild, "model_change", done.seconds)
            if turn < self.repeats.change_mlflow:
                self.generate.append(self.mlflow.generate(self.mlflow.model))
                # The client is one small process: sampling it takes nothing from the build.
                sampler = Sampler()
                _add(self.values.mlflow, "model_change", self.mlflow.build(started=sampler.start).seconds)
                sampler.stop()
                _add(self.values.mlflow, "builder_memory", _peak(sampler))

    def _size(self) -> None:
        for side, tag in ((self.values.envbuild, self.subject.tag), (self.values.mlflow, self.mlflow.tag)):
            say(f"size of {tag}")
            _add(side, "size", engine.image_size(tag))
            _add(side, "gzip", engine.gzip_size(tag))

    def _start(self) -> None:
        ours, theirs = serving.route("envbuild"), serving.mlflow_route()
        for turn in range(self.repeats.start):
            say(f"start to the first answer, {turn + 1} of {self.repeats.start}")
            for side, tag, route in (
                (self.values.envbuild, self.subject.tag, ours),
                (self.values.mlflow, self.mlflow.tag, theirs),
            ):
                started = serving.start(self.subject.workspace, tag, route)
                _add(side, "first_answer", started.seconds)
                _add(side, "container_memory", started.memory)

    def _memory(self) -> None:
        say("peak memory of envbuild")
        self.subject.cold(self.mlflow.model, started=self.peak.start)
        self.peak.stop()
        _add(self.values.envbuild, "builder_memory", _peak(self.peak))


def say(what: str) -> None:
    """What is under way, for the person who waits, after the time since the start."""
    minutes, seconds = divmod(int(time.monotonic() - _BEGAN), 60)
    print(f"bench {minutes:02d}:{seconds:02d}: {what}", file=sys.stderr, flush=True)


def _peak(sampler: Sampler) -> float:
    if sampler.peak is None:
        raise BenchError("the builder was not sampled")
    return float(sampler.peak.resident)


def _add(side: dict[str, list[float]], key: str, value: float) -> None:
    side.setdefault(key, []).append(value)
