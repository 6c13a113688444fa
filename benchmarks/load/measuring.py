"""The order of the measurements: in each round every server is started, loaded and stopped, one after the other."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .. import machine, needs
from ..measuring import say
from . import environment as environments
from . import profiling, wrk
from .aims import MODEL
from .environment import NAMED, Environment, Model
from .results import Case, Profile, Serving, Turn, Window
from .running import Running, running
from .servers import Server, servers

WARM_UP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured: rounds, and the seconds of a window and of a profile."""

    rounds: int = 3
    rounds_beside: int = 2
    """Of the models that no aim is about."""
    seconds: int = 5
    short: int = 2
    """Over one connection, where only the median of the latency counts."""
    beside: int = 3
    heavy: int = 8
    """Of a model whose requests take long: the window has to hold many times what it begins with."""
    profile: int = 6

    def turns(self, model: str) -> int:
        """The rounds of a model."""
        return self.rounds if model == MODEL else min(self.rounds, self.rounds_beside)

    def window(self, model: str, connections: int) -> int:
        """The seconds of a window."""
        if connections == 1:
            return self.short
        return self.heavy if model in wrk.HEAVY else self.seconds if model == MODEL else self.beside


QUICK = Plan(rounds=1, seconds=1, short=1, beside=1, heavy=4, profile=2)


def measure(plan: Plan, only: tuple[str, ...] = ()) -> Serving:
    """Take the figures of all models, or of those in `only`; what was made is removed. BenchError says why not."""
    needs.package("wrk")
    with tempfile.TemporaryDirectory(prefix="envbuild-bench-") as folder:
        environment = environments.prepare(Path(folder))
        models = [model for model in environment.models if not only or model.key in only]
        cases = [case for model in models for case in _model(environment, model, plan)]
        return Serving(
            machine=machine.hardware(),
            versions={name: environment.versions[name] for name in NAMED},
            seconds={
                model.key: {number: plan.window(model.key, number) for number in wrk.connections_of(model.key)}
                for model in models
            },
            models={model.key: (model.title, model.body("/invocations").stat().st_size) for model in models},
            cases=tuple(cases),
            profiles=tuple(_profiles(environment, models, plan)),
            imports=tuple(
                profiling.start(environment, server, models[0])
                for server in servers(environment, models[0])
                if server.key in ("mlflow", "envbuild")
            ),
        )


def _model(environment: Environment, model: Model, plan: Plan) -> list[Case]:
    chosen = servers(environment, model)
    turns: dict[str, list[Turn]] = {server.key: [] for server in chosen}
    rounds = plan.turns(model.key)
    for number in range(rounds):
        for server in chosen:
            say(f"{model.key}, round {number + 1} of {rounds}: {server.title}")
            turns[server.key].append(turn(environment, server, model, plan))
    return [
        Case(model=model.key, server=server.key, title=server.title, turns=tuple(turns[server.key]))
        for server in chosen
    ]


def turn(environment: Environment, server: Server, model: Model, plan: Plan) -> Turn:
    """Start a server, load it, and stop it."""
    with running(server, model, environment.folder) as found:
        # A worker may still load when another one answers.
        found.settle()
        checked = found.warm_up(min(WARM_UP, plan.seconds))
        windows = tuple(
            wrk.patiently(partial(_window, found, connections), plan.window(model.key, connections))
            for connections in wrk.connections_of(model.key)
        )
        found.settle()
        used = found.usage()
        found.check()
    return Turn(
        start=found.seconds, checked=checked, windows=windows, main=used.main, workers=used.workers, rest=used.rest
    )


def _window(found: Running, connections: int, seconds: int) -> Window:
    # What was asked before, and not waited for, may still be being answered.
    found.settle()
    before = found.usage()
    told = wrk.load(found.url, found.model.body(found.server.path), connections=connections, seconds=seconds)
    after = found.usage()
    return Window(
        connections=connections,
        told=told,
        main_cpu=after.main_cpu - before.main_cpu,
        others_cpu=after.others_cpu - before.others_cpu,
    )


def _profiles(environment: Environment, models: list[Model], plan: Plan) -> list[Profile]:
    """envbuild with each model, and with batches where they matter most."""
    found = []
    for model in models:
        for server in servers(environment, model):
            if server.key == "envbuild" or (server.key == "batch0" and model is models[0]):
                say(f"profile of {server.title}, {model.key}")
                found.append(profiling.under_load(environment, server, model, plan.profile))
    return found
