"""What envbuild aims at with registries, and the figures that this is about."""

from __future__ import annotations

from ..aims import Aim, Judgement, judge
from ..figures import Measure, Unit, size
from .results import Arrivals, Large, Push, Registry

BESIDE = 200_000
"""Bytes that a push may send beside the model that changed."""
SHELF = 1.3
LAYOUT = 1.4
PUSH = 2.5
AGAIN = 0.3
MEMORY = 200e6


def measures(found: Registry) -> dict[str, Measure]:
    """The figures by their names. The other side is MLflow's; one image for ten; a bare hash; the first machine."""
    rows = [*_changes(found), *_shelves(found), *_large(found.large), *_arrivals(found.arrivals)]
    return {row.key: row for row in rows}


def _changes(found: Registry) -> list[Measure]:
    changes = found.changes
    ours, theirs = _seconds(changes.envbuild), _seconds(changes.mlflow)
    both = tuple(build + push for build, push in zip(changes.builds, theirs, strict=True))
    return [
        _row("change_sent", "bytes sent", "B", _sent(changes.envbuild), _sent(changes.mlflow)),
        _row("alone", "`envbuild image --push`, to `docker push` alone", "s", ours, theirs),
        _row("both", "the same, to `docker build` and `docker push`", "s", ours, both),
    ]


def _shelves(found: Registry) -> list[Measure]:
    ours, theirs, count = found.envbuild, found.mlflow, len(found.envbuild.images)
    return [
        _row("one", "one image", "B", (ours.one,), (theirs.one,)),
        _row("many", f"{count} images", "B", (ours.many,), (theirs.many,)),
        _row("models", f"{count} images to one, weights aside", "B", (ours.many_aside,), (ours.one_aside,)),
        _row("models_mlflow", "the same of MLflow's", "B", (theirs.many_aside,), (theirs.one_aside,)),
    ]


def _large(found: Large) -> list[Measure]:
    rows = [
        _row("copied", "a bare copy of the file", "s", found.copied, found.hashed),
        _row("bare", "the registry alone, sent the bare file", "s", found.bare, found.hashed),
    ]
    for name, title in (("layout", "`--output oci-dir`"), ("push", "`--push`")):
        for key, told in ((name, title), (f"{name}_again", f"{title} again, nothing changed")):
            rows.append(_row(key, told, "s", found.seconds[key], found.hashed))
        rows.append(_row(f"{name}_memory", f"{title}, peak memory", "B", (found.peaks[name].resident,)))
    return rows


def _arrivals(found: Arrivals) -> list[Measure]:
    return [
        _row("second", "`envbuild image --push`", "s", _seconds(found.second), _seconds(found.first)),
        _row("second_sent", "bytes sent", "B", _sent(found.second), _sent(found.first)),
        _row("second_wheels", "wheels fetched", "", found.second_wheels, found.wheels),
    ]


def _row(key: str, title: str, unit: Unit, ours: tuple[float, ...], theirs: tuple[float, ...] = ()) -> Measure:
    return Measure(key=key, title=title, unit=unit, envbuild=ours, mlflow=theirs)


def _seconds(pushes: tuple[Push, ...]) -> tuple[float, ...]:
    return tuple(push.seconds for push in pushes)


def _sent(pushes: tuple[Push, ...]) -> tuple[float, ...]:
    return tuple(push.sent for push in pushes)


def aims(found: Registry) -> tuple[Aim, ...]:
    """The aims; some hang on the size of the model."""
    beside = f"the model's size plus {size(BESIDE)}"
    seconds = f"under {AGAIN} s"
    return (
        Aim(key="change_sent", kind="value", at_most=found.changes.model + BESIDE, words=beside),
        Aim(key="models", kind="ratio", at_most=SHELF, words=f"{SHELF} times the bytes of one"),
        Aim(key="layout", kind="ratio", at_most=LAYOUT, words=f"{LAYOUT} times the hash"),
        Aim(key="push", kind="ratio", at_most=PUSH, words=f"{PUSH} times the hash"),
        Aim(key="layout_again", kind="value", at_most=AGAIN, words=seconds),
        Aim(key="push_again", kind="value", at_most=AGAIN, words=seconds),
        Aim(key="layout_memory", kind="value", at_most=MEMORY, words=f"under {size(MEMORY)}"),
        Aim(key="push_memory", kind="value", at_most=MEMORY, words=f"under {size(MEMORY)}"),
        Aim(key="second_sent", kind="value", at_most=found.arrivals.model + BESIDE, words=beside),
        Aim(key="second_wheels", kind="value", at_most=0, words="none"),
    )


def judged(found: Registry) -> dict[str, Judgement]:
    """Every aim by the name of its figure. BenchError if a figure is missing."""
    known = measures(found)
    return {aim.key: judge(aim, [known[aim.key]]) for aim in aims(found)}
