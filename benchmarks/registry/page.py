"""The part of RESULTS.md on pushing to a registry."""

from __future__ import annotations

from collections.abc import Sequence

from .. import base, report
from ..aims import Judgement
from ..figures import Measure, ratio, seconds, series, size
from . import causes
from .aims import judged, measures
from .results import Profiled, Registry

BEGIN, END = "<!-- registry: begin -->", "<!-- registry: end -->"
_TOP = """\
envbuild's own push against `docker push` of MLflow's image, to a real registry on the same machine, over loopback.
Medians; the range and the number of values in brackets.
"""
_CHANGE = """\
The model has {model}, the change is one byte of its weights. envbuild's time is that of the whole process, which builds
and pushes.
"""
_SHELF = """\
{count} forests that differ by their seed, the same packages; bytes of all blobs in the registry's storage. With weights
aside the layers that hold the models do not count.
"""
_LARGE = """\
A model with a file of {size} of random bytes: the whole process against `hashlib.file_digest` (SHA-256) of that file
right before it. Cache and registry know all but this file.
"""
_ARRIVAL = """\
The first machine pushes from an empty home to an empty registry. The second one, as empty, pushes the model with one
byte changed to the same name: it takes {unseen} layers over without seeing them.
"""
_HOW = """\
- The registry is Debian's docker-registry {version} with its files on this machine, one process, without TLS; it shares
  the cores with what pushes to it. It is a new one for each table, in the large file's for each turn.
- Bytes sent are counted between client and registry, by a port that passes everything on: requests, headers and all. It
  is there for both sides. What is timed against a hash goes without it.
- envbuild is `envbuild image --push --server envbuild` with all else as it comes, so by gzip. MLflow's image is the one
  of its own Dockerfile, by the classic builder, pushed by `docker push`. Writing its context takes {generate} more each
  time, which is in no row.
{adapted}\
- That base is {base} of MLflow's image. Its layers are in the registry before a change of the model is pushed, and so
  are envbuild's.
- Images in the registry are counted as the files that it keeps of blobs: layers, configs and manifests. What else is
  pushed beside an image counts too.
- The large file is in the page cache, and all that others wrote is on the disk, before anything is timed. Its layer is
  in neither cache nor registry; the image's other {rest} are in the cache, and hashed there before. Again is the same
  command once more, with the same cache, to the same place.
- The layout lies on the cache's disk, and shares its large layers with it: one file is written. So does the bare copy
  lie there, which is read and written in pieces of 1 MiB and neither hashed nor synced.
- The registry alone is sent the file in one request by `sendfile`, without a hash or a layer. It hashes what it takes.
- Peak memory: the resident sizes of all processes of the command added, sampled 50 times a second, in a run of its own;
  neither the engine's daemon nor the registry is among them.
- Machines are homes: an empty folder each, with the cache in it. Wheels are counted in the caches afterwards.
"""


def render(found: Registry, warnings: Sequence[str] = ()) -> str:
    """The part, between the marks by which it is found again. BenchError if a figure with an aim is missing."""
    judgements, known = judged(found), measures(found)
    changes, arrivals = found.changes, found.arrivals
    parts = [
        BEGIN,
        "## Pushing to a registry\n",
        f"    {report.COMMAND} BENCH_ARGS='--only registry'\n",
        *(f"> **{warning}**\n" for warning in warnings),
        _TOP,
        report.table(("machine", ""), list(found.machine.items())),
        "### A push after a change of the model\n",
        _CHANGE.format(model=size(changes.model)),
        _sides(known, judgements, "change_sent", "alone", "both"),
        f"### {len(found.envbuild.images)} models of one framework\n",
        _SHELF.format(count=len(found.envbuild.images)),
        _sides(known, judgements, "one", "many"),
        _shelf(known, judgements),
        f"### A model file of {size(found.large.size)}\n",
        _LARGE.format(size=size(found.large.size)),
        _large(found, known, judgements),
        *_phases("`--output oci-dir`", found.large.profiles["layout"]),
        *_phases("`--push`", found.large.profiles["push"]),
        "### A second machine\n",
        _ARRIVAL.format(unseen=min(push.unseen for push in arrivals.second)),
        _arrival(known, judgements),
        *_missed(found, judgements),
        "### How pushing was measured\n",
        _how(found),
        END,
    ]
    return "\n".join(parts) + "\n"


def _sides(known: dict[str, Measure], judgements: dict[str, Judgement], *names: str) -> str:
    rows = []
    for name in names:
        row = known[name]
        sides = (series(row.envbuild, row.unit), series(row.mlflow, row.unit), ratio(row.ratio))
        rows.append((row.title, *sides, *_aim(judgements.get(name))))
    return report.table(("measure", "envbuild", "MLflow", "envbuild : MLflow", "aim", ""), rows)


def _shelf(known: dict[str, Measure], judgements: dict[str, Judgement]) -> str:
    ours, theirs = known["models"], known["models_mlflow"]
    row = (ours.title, ratio(ours.ratio), ratio(theirs.ratio), *_aim(judgements["models"]))
    return report.table(("measure", "envbuild", "MLflow", "aim", ""), [row])


def _large(found: Registry, known: dict[str, Measure], judgements: dict[str, Judgement]) -> str:
    rows: list[tuple[str, ...]] = [("`hashlib.file_digest`", series(found.large.hashed, "s"), "1", "-", "-")]
    for name in ("copied", "bare", "layout", "push", "layout_again", "push_again", "layout_memory", "push_memory"):
        row = known[name]
        times = f"{row.ratio:.2f}" if row.ratio is not None else "-"
        rows.append((row.title, series(row.envbuild, row.unit), times, *_aim(judgements.get(name))))
    return report.table(("measure", "figure", "times the hash", "aim", ""), rows, right=(2,))


def _arrival(known: dict[str, Measure], judgements: dict[str, Judgement]) -> str:
    rows = []
    for name in ("second", "second_sent", "second_wheels"):
        row = known[name]
        sides = (series(row.mlflow, row.unit), series(row.envbuild, row.unit))
        rows.append((row.title, *sides, ratio(row.ratio) if row.unit else "-", *_aim(judgements.get(name))))
    return report.table(("measure", "first machine", "second machine", "second : first", "aim", ""), rows)


def _aim(found: Judgement | None) -> tuple[str, str]:
    if found is None:
        return "-", "-"
    return found.aim.words, "reached" if found.reached else f"**missed** ({found.text})"


def _phases(title: str, found: Profiled) -> list[str]:
    rows = [
        (phase.name, phase.what, *(seconds(value) for value in (phase.began, phase.seconds, phase.cpu)),
         size(phase.resident))
        for phase in found.phases
    ]  # fmt: skip
    head = ("phase", "what", "began", "took", "CPU", "peak memory")
    text = f"Where the time of {title} goes, {causes.profiled(found)}:\n"
    return [text, report.table(head, rows, right=range(2, 6))]


def _missed(found: Registry, judgements: dict[str, Judgement]) -> list[str]:
    lines = [
        f"- **{key.replace('_', ' ')}**: {judgement.text}, aimed at {judgement.aim.words}. "
        f"Measured: {causes.cause(key, found)}.\n"
        for key, judgement in judgements.items()
        if not judgement.reached
    ]
    return ["### Aims of pushing that were missed\n", "".join(lines)] if lines else ["Every aim is reached.\n"]


def _how(found: Registry) -> str:
    return _HOW.format(
        version=found.machine["registry"],
        generate=series(found.changes.generate, "s"),
        adapted=base.ADAPTED,
        base=size(found.base_size),
        rest=size(found.large.rest),
    )
