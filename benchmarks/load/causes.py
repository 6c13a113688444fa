"""The measured cause of an aim that was missed, in one sentence."""

from __future__ import annotations

from ..figures import median, size
from .aims import MODEL, Judgement
from .results import Case, Samples, Serving
from .words import micro, milli, share

_PREDICT = ("envbuild_runtime.worker.model:Model.predict", "envbuild_runtime.worker.model:Model.decode")


def cause(judgement: Judgement, serving: Serving) -> str:
    """Where the figure that was missed goes."""
    ours, theirs = (serving.case(MODEL, server) for server in (judgement.server, judgement.aim.against))
    if judgement.aim.of == "memory":
        return f"{memory(ours)}; of {theirs.title}: {memory(theirs)}"
    if judgement.aim.of == "start":
        told = [serving.imported(server) for server in (judgement.server, judgement.aim.against)]
        return "; of the other: ".join(each.told() for each in told if each is not None) or "imports were not taken"
    connections = judgement.aim.connections
    text = ""
    if judgement.aim.of == "p99":
        text = f"{_spread(ours, connections)}; of {theirs.title} {_spread(theirs, connections)}. "
    text += f"CPU of a request: {_cpu(ours, connections)}; of {theirs.title}: {_cpu(theirs, connections)}"
    # The delay of a batch changes how often, not where the time goes.
    profile = serving.profile(MODEL, "batch0" if judgement.aim.batching else "envbuild")
    if profile is not None:
        text += f". In the HTTP process {_packages(profile.main)}; in a worker {_packages(profile.worker)}"
        functions = dict(profile.worker.functions)
        known = [f"{name.partition(':')[2]} {share(functions[name])}" for name in _PREDICT if name in functions]
        text += f" (with all that they call: {', '.join(known)})" if known else ""
    return text


def _spread(case: Case, connections: int) -> str:
    """How even the answers are: the latencies beside what so many connections have to wait at that rate."""
    p50, p99 = median(case.p50(connections)), median(case.p99(connections))
    mean = connections / median(case.rates(connections))
    return f"p50 {milli(p50)}, p99 {milli(p99)}, {milli(mean)} on the mean"


def memory(case: Case) -> str:
    """What each kind of process takes."""
    main = median(case.values(lambda turn: turn.main))
    worker = median(case.values(lambda turn: sum(turn.workers) / len(turn.workers)))
    rest = median(case.values(lambda turn: turn.rest))
    return f"{size(main)} the first process, {size(worker)} each worker" + (f", {size(rest)} others" if rest else "")


def _cpu(case: Case, connections: int) -> str:
    main = case.cpu(connections, lambda window: window.main_cpu)
    others = case.cpu(connections, lambda window: window.others_cpu)
    asking = case.cpu(connections, lambda window: window.told.cpu)
    parts = f"{micro(main)} in the first process, {micro(others)} in the workers, {micro(asking)} in wrk"
    return f"{micro(main + others + asking)} ({parts})"


def _packages(samples: Samples, count: int = 6) -> str:
    return ", ".join(f"{name} {share(value)}" for name, value in samples.packages[:count])
