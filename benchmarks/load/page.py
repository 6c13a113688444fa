"""The servers' part of RESULTS.md."""

from __future__ import annotations

from collections.abc import Sequence

from .. import imports, report
from ..figures import median, quantity, seconds, series, size
from ..profiled import Imports
from . import causes, wrk
from .aims import MODEL, Judgement, beside, best_batching, judge
from .results import Case, Profile, Samples, Serving
from .servers import BATCH, DELAYS, WORKERS
from .words import micro, milli, rate, rates, share, times

BEGIN, END = "<!-- serving: begin -->", "<!-- serving: end -->"
COMMAND = "make bench-serving"
_TOP = """\
MLflow's scoring server, Azure ML's inference server with a script of the shape that its example for MLflow models has,
and envbuild's, alone and with batches: {workers} workers each, the same packages, models, machine and run. Medians of
{rounds}; of the requests/s with their range in brackets.
"""
_HOW = """\
- One environment of pinned packages (`benchmarks/load/requirements.txt`), its bytecode compiled: {versions}.
- MLflow's is `uvicorn --workers {workers} mlflow.pyfunc.scoring_server.app:app`, as its container starts it, but
  without nginx in front, and with httptools, which uvicorn takes where it is installed and MLflow's container does
  not have. Azure ML's is `azmlinfsrv` with WORKER_COUNT={workers} and `benchmarks/load/inside/score.py`. envbuild's is
  `python -m envbuild_runtime` with WORKER_COUNT={workers}; with batches ENVBUILD_BATCH_MAX_SIZE={batch} and
  ENVBUILD_BATCH_MAX_DELAY_MS of {delays}. All else is as it comes; each writes its access log to a file.
- wrk, one thread, on the same cores and over loopback, posts one body again and again to `/invocations`, Azure ML's to
  `/score`. Windows: {windows}. 64 requests of the tensor at a time would only wait for each other. Of fewer than 100
  answers p99 is the slowest.
- In each round each server is started, asked until it answers as the model itself does, warmed up over the most
  connections, loaded, asked once more, and stopped: one server runs at a time, in turn. Nothing begins before the one
  before it has come to rest. Every answer of a warm-up, {checked:,} in this run, was compared with the model's own; any
  other answer, error or status but success at any time fails the run.
- The first answer is the first 200, polled every 20 ms. Memory is the proportional size of the whole process tree after
  the load, shared out among the workers.
- The requests: {bodies}.
"""
_CPU = """\
Over the most connections; the first process, the workers and wrk share the machine's cores. The first process of
MLflow's and of Azure ML's server only watches over the workers; envbuild's is the HTTP process.
"""


def render(serving: Serving, warnings: Sequence[str] = ()) -> str:
    """The part, between the marks by which it is found again. BenchError if a model or a server is missing."""
    judgements = judge(serving)
    parts = [
        BEGIN,
        "## The servers under load\n",
        f"    {COMMAND}\n",
        *(f"> **{warning}**\n" for warning in warnings),
        _TOP.format(workers=WORKERS, rounds=_rounds(serving)),
        report.table(("machine", ""), list(serving.machine.items())),
        *(text for model in serving.models for text in _model(serving, model)),
        "### Start and memory\n",
        _start(serving),
        "### Aims\n",
        f"For {serving.models[MODEL][0]}; with batches: {serving.case(MODEL, best_batching(serving)).title}.\n",
        _aims(judgements, serving),
        *_missed(judgements, serving),
        "### Where the CPU time of a request goes\n",
        _CPU,
        _cpu(serving),
        *(text for profile in serving.profiles for text in _profile(profile, serving)),
        "### Where the start goes\n",
        *(text for found in serving.imports for text in _imports(found, serving)),
        "### How the load was measured\n",
        _how(serving),
        END,
    ]
    return "\n".join(parts) + "\n"


def _rounds(serving: Serving) -> str:
    """`3 rounds`, or `3 rounds (linear) and 2 rounds (forest, tensor)`."""
    found: dict[int, list[str]] = {}
    for model in serving.models:
        found.setdefault(len(serving.case(model, "envbuild").turns), []).append(model)
    told = {f"{count} rounds" if count > 1 else "one round": models for count, models in found.items()}
    return " and ".join(f"{text} ({', '.join(models)})" if len(told) > 1 else text for text, models in told.items())


def _windows(serving: Serving) -> str:
    return "; ".join(
        f"{model} " + ", ".join(f"{seconds} s over {number}" for number, seconds in windows.items())
        for model, windows in serving.seconds.items()
    )


def _cases(serving: Serving, model: str) -> list[Case]:
    return [case for case in serving.cases if case.model == model]


def _model(serving: Serving, model: str) -> list[str]:
    numbers = wrk.connections_of(model)
    most = numbers[-1]
    against = {name: median(serving.case(model, name).rates(most)) for name in ("mlflow", "azure")}
    rows = []
    for case in _cases(serving, model):
        cells = [case.title, milli(median(case.p50(1)))]
        for connections in numbers[1:]:
            cells += [rates(case.rates(connections)), milli(median(case.p50(connections))),
                      milli(median(case.p99(connections)))]  # fmt: skip
        rows.append([*cells, *(times(median(case.rates(most)) / other) for other in against.values())])
    head = ["server", "1 connection: p50"]
    for connections in numbers[1:]:
        head += [f"{connections}: requests/s", "p50", "p99"]
    head += [f"{most}: times MLflow's", "times Azure ML's"]
    title = serving.models[model][0]
    return [f"### {title[0].upper()}{title[1:]}\n", report.table(head, rows, right=range(1, len(head)))]


def _start(serving: Serving) -> str:
    rows = []
    for model in serving.models:
        reference = serving.case(model, "mlflow")
        for case in _cases(serving, model):
            start, memory = (case.values(lambda turn: turn.start), case.values(lambda turn: turn.memory))
            rows.append(
                (
                    model,
                    case.title,
                    series(start, "s"),
                    times(median(start) / median(reference.values(lambda turn: turn.start))),
                    size(median(memory)),
                    times(median(memory) / median(reference.values(lambda turn: turn.memory))),
                    causes.memory(case),
                )
            )
    head = ("model", "server", "first answer", "to MLflow's", "memory a worker", "to MLflow's", "of it")
    return report.table(head, rows, right=(3, 4, 5))


def _name(judgement: Judgement) -> str:
    words = {"rate": "requests/s", "p99": "p99", "memory": "memory a worker", "start": "first answer"}
    over = f", {judgement.aim.connections} connections" if judgement.aim.connections else ""
    return words[judgement.aim.of] + over + (", with batches" if judgement.aim.batching else "")


def _aims(judgements: Sequence[Judgement], serving: Serving) -> str:
    others = [model for model in serving.models if model != MODEL]
    rows = []
    for found in judgements:
        figures = [_figure(found, value) for value in (found.ours, found.theirs)]
        verdict = "reached" if found.reached else "**missed**"
        ratios = [beside(found.aim, serving, model) for model in others]
        rows.append(
            (
                _name(found),
                *figures,
                times(found.ratio),
                found.aim.words,
                verdict,
                *(times(value) if value is not None else "-" for value in ratios),
            )
        )
    head = ("measure", "envbuild", "the other", "ratio", "aim", "", *(f"ratio, {model}" for model in others))
    return report.table(head, rows, right=(1, 2, 3, *range(6, len(head))))


def _figure(found: Judgement, value: float) -> str:
    if found.aim.of == "rate":
        return rate(value)
    return milli(value) if found.aim.of == "p99" else quantity(value, "B" if found.aim.of == "memory" else "s")


def _missed(judgements: Sequence[Judgement], serving: Serving) -> list[str]:
    lines = [
        f"- **{_name(found)}**: {times(found.ratio)}, aimed at {found.aim.words}. "
        f"Measured: {causes.cause(found, serving)}.\n"
        for found in judgements
        if not found.reached
    ]
    return ["#### Aims under load that were missed\n", "".join(lines)] if lines else ["Every aim is reached.\n"]


def _cpu(serving: Serving) -> str:
    rows = []
    for case in serving.cases:
        most = wrk.connections_of(case.model)[-1]
        parts = [
            case.cpu(most, lambda window: window.main_cpu),
            case.cpu(most, lambda window: window.others_cpu),
            case.cpu(most, lambda window: window.told.cpu),
        ]
        rows.append((case.model, case.title, *(micro(part) for part in parts), micro(sum(parts))))
    head = ("model", "server", "first process", "workers", "wrk", "in all")
    return report.table(head, rows, right=(2, 3, 4, 5))


def _profile(profile: Profile, serving: Serving) -> list[str]:
    title = serving.case(profile.model, profile.server).title
    told = f"{title}, {profile.model}: {profile.main.samples} samples of the HTTP process, {profile.worker.samples} of "
    text = told + "the workers. By the package whose code runs, what it calls in C counted to it:\n"
    return [f"#### {title}, {profile.model}\n", text, _shares(profile, "packages", 10), "With all that they call:\n",
            _shares(profile, "functions", 18)]  # fmt: skip


def _shares(profile: Profile, what: str, count: int) -> str:
    def cells(samples: Samples) -> list[tuple[str, str]]:
        found = [(name, share(value)) for name, value in getattr(samples, what)[:count]]
        return found + [("", "")] * (count - len(found))

    rows = [(*left, *right) for left, right in zip(cells(profile.main), cells(profile.worker), strict=True)]
    kept = [[f"`{cell}`" if cell and column in (0, 2) else cell for column, cell in enumerate(row)] for row in rows]
    return report.table(("HTTP process", "share", "worker", "share"), kept, right=(1, 3))


def _imports(found: Imports, serving: Serving) -> list[str]:
    title = serving.case(MODEL, found.server).title
    main, worker = seconds(imports.total(found.main)), seconds(imports.total(found.worker))
    text = (
        f"{title}: with `-X importtime` the first process imports {len(found.main)} modules in {main}, a worker "
        f"{len(found.worker)} in {worker}. A worker's:\n"
    )
    return [text, report.packages(found.worker, count=10)]


def _how(serving: Serving) -> str:
    bodies = "; ".join(f"{title}, {length:,} bytes" for title, length in serving.models.values())
    versions = ", ".join(f"{name} {version}" for name, version in serving.versions.items())
    return _HOW.format(
        workers=WORKERS,
        batch=BATCH,
        delays=" or ".join(str(delay) for delay in DELAYS),
        windows=_windows(serving),
        checked=sum(turn.checked for case in serving.cases for turn in case.turns),
        versions=versions,
        bodies=bodies,
    )
