"""One image for several platforms: made one after the other, and named by an index. Nothing is emulated."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from . import prepare
from .ahead import Ahead
from .built import Built
from .deliver import deliver, destination
from .errors import CorruptBlobError, UsageError
from .job import Images, open_store
from .making import Made, make, together
from .model.types import Model
from .options import Options, PushOptions
from .outcome import built_of, check_attached, recalling_for, without_what_is_gone
from .progress import Progress
from .stages import checked, planned

if TYPE_CHECKING:
    from .bases.types import Base
    from .deliver import Delivered, Destination
    from .describing import Wanted
    from .recalling import Recalling
    from .shipping.push import Pushed


def build_several(
    model: Model,
    platforms: Sequence[str],
    *,
    tags: Sequence[str],
    output: str,
    push: PushOptions | None,
    attach: Wanted | None,
    options: Options,
    progress: Progress,
) -> Built:
    """Make the image of `model` for each of `platforms` (`linux/arm64`), and deliver the index of them.

    The value is that of the first platform, with the index's digest, and with those of all as `images`.
    """
    started = time.monotonic()
    goal = _destination(output, tags, model, push)
    check_attached(attach, goal)
    asked: dict[str, Recalling] = {}
    recallings: list[Recalling] = []

    def one_of(platform: str) -> Made:
        progress.note(f"for {platform}")
        chosen = replace(options, platform=platform)
        if platform not in asked and (recalling := recalling_for(goal, chosen, Images(), progress)) is not None:
            asked[platform] = recalling
            recallings.append(recalling)
        with Ahead(model, open_store(chosen)) as ahead:
            job, judge = checked(model, chosen, Images(), progress, asked.get(platform))
            plan, base, lock = planned(job, judge, ahead=ahead)

        def work(opened: Base) -> Made:
            return make(plan, opened, lock, job, attach=attach, unseen=goal.kind == "registry")

        return prepare.with_sound_blobs(work, base, job)

    def all_of_them(_: None) -> tuple[list[Made], Delivered]:
        made = [one_of(platform) for platform in platforms]
        whole, _referrers = together([one.assembled.image for one in made], [one.statements for one in made])

        def push_them() -> Pushed:
            from .pushing import push_built

            return push_built(made, goal)

        return made, deliver(whole, goal, made[0].job.store, progress, push_them)

    made, delivered = _with_sound_blobs(without_what_is_gone(all_of_them, recallings, progress), options, progress)
    images = tuple(built_of(one, goal, delivered, started) for one in made)
    digest = delivered.pushed.digest if goal.kind == "registry" and delivered.pushed else delivered.index_digest
    return replace(images[0], images=images, index_digest=digest, size=sum(image.size for image in images))


def _destination(output: str, tags: Sequence[str], model: Model, push: PushOptions | None) -> Destination:
    """Where the index goes. UsageError for what holds one image alone."""
    kind = output.partition("=")[0]
    if kind in ("docker", "docker-archive") or (not output and push is None):
        where = {"docker-archive": "a Docker archive"}.get(kind, "a container engine")
        raise UsageError(
            f"several platforms: the image becomes an index, and {where} takes an image for one alone",
            hint="push it with --push, or write it with --output oci-dir=PATH or --output oci-archive=PATH",
        )
    return destination(output, tags, model, push)


def _with_sound_blobs(
    work: Callable[[None], tuple[list[Made], Delivered]], options: Options, progress: Progress
) -> tuple[list[Made], Delivered]:
    """What `work` gives. A damaged entry of the cache is a miss: it is dropped and made anew, each once."""
    dropped: set[str] = set()
    while True:
        try:
            return work(None)
        except CorruptBlobError as error:
            if error.digest in dropped:
                raise
            dropped.add(error.digest)
            open_store(options).drop(error.digest)
            progress.warn(f"the cached blob {error.digest[:19]} was damaged and is made anew")
