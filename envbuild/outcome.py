"""What building one image and building several have in common: what is asked first, tried again, told in the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from . import platforms
from .built import Built, BuiltLayer
from .job import Images
from .making import Made
from .options import Options
from .progress import Progress

if TYPE_CHECKING:
    from .deliver import Delivered, Destination
    from .describing import Wanted
    from .local.checks import Trial
    from .recalling import Recalling

Given = TypeVar("Given")
Done = TypeVar("Done")


def check_attached(attach: Wanted | None, goal: Destination) -> None:
    """UsageError where `goal` cannot take what is to be attached to the image."""
    if attach is not None:
        from .describing import check_destination

        check_destination(attach, goal)


def recalling_for(goal: Destination, options: Options, images: Images, progress: Progress) -> Recalling | None:
    """What the registry has of earlier builds; None where the image goes to none, or to several."""
    if goal.push is None:
        return None
    from .recalling import Recalling, cache_names

    cache_names(goal.push, goal.references)
    if len({reference.domain for reference in goal.references}) > 1:
        return None
    platform = platforms.settled(options, images.engine)[0].platform
    return Recalling(goal.references, goal.push, platform=platform, progress=progress)


def without_what_is_gone(
    work: Callable[[Given], Done], recalling: Sequence[Recalling], progress: Progress
) -> Callable[[Given], Done]:
    """`work`, again for every layer that was to be used unseen and that the registry does not have any more."""

    def work_again(given: Given) -> Done:
        from .shipping.gone import GoneLayerError

        while True:
            try:
                return work(given)
            except GoneLayerError as error:
                for one in recalling:
                    one.forget(error.digest)
                progress.note(f"{error.message}: it is made here")

    return work_again


def built_of(made: Made, goal: Destination, delivered: Delivered, started: float, trial: Trial | None = None) -> Built:
    """What was built and delivered, since the monotonic time `started`."""
    assembled = made.assembled
    digest = assembled.image.manifest_digest
    if delivered.pushed is not None and goal.kind == "registry":
        digest = delivered.pushed.digest
    return Built(
        reference=delivered.reference,
        references=tuple(reference.familiar for reference in goal.references),
        config_digest=assembled.image.config_digest,
        manifest_digest=digest,
        plan=made.plan,
        lock=made.lock,
        layers=tuple(
            BuiltLayer(
                title=planned.title,
                kind=planned.kind,
                size=layer.size,
                cached=hit,
                unseen=layer.digest in assembled.unseen,
                why=planned.why,
                diff_id=layer.diff_id,
            )
            for planned, layer, hit in assembled.layers
        ),
        size=assembled.image.size,
        sent=delivered.sent,
        omitted=delivered.omitted,
        already=delivered.already,
        output=goal.kind,
        path=goal.path,
        engine=delivered.engine,
        seconds=time.monotonic() - started,
        decisions=made.plan.decisions,
        trial=trial,
        pushed=delivered.pushed,
        index_digest=delivered.index_digest,
    )
