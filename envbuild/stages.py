"""The stages of the road that several functions walk: the rules on the files, base and packages, the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import platforms
from .linting import check, check_lock
from .model.types import Model
from .options import Options
from .progress import Progress

if TYPE_CHECKING:
    from .ahead import Ahead
    from .bases.types import Base, Choice
    from .job import Images, Job
    from .judging import Judge
    from .planner.types import Plan
    from .recalling import Recalling
    from .resolver.types import Lock


def checked(
    model: Model, options: Options, images: Images, progress: Progress, recalling: Recalling | None = None
) -> tuple[Job, Judge]:
    """What the steps take, once the rules found no error in the files; with --fix, the model as it was mended."""
    from .job import Job, open_store

    options, why = platforms.settled(options, images.engine)
    store = open_store(options)
    model, judge = check(model, options, store, progress)
    job = Job.of(model, options, store, images, progress, platform_why=why, recalling=recalling)
    return job, judge


def packages(job: Job, judge: Judge) -> tuple[Base, Choice, Lock]:
    """Base and lock, once the rules found no error in them."""
    from .prepare import prepare_both

    base, chosen, found = prepare_both(job, to_read=True)
    check_lock(judge, found, base, job)
    return base, chosen, found


def planned(job: Job, judge: Judge, *, ahead: Ahead | None = None) -> tuple[Plan, Base, Lock]:
    """The plan of the image, with its base and its lock; `ahead` is `gather`'s."""
    from .facts import heavy_wheels
    from .gather import gather
    from .planner import make_plan

    base, chosen, found = packages(job, judge)
    return make_plan(gather(job, base, chosen, found, ahead=ahead), ranking=heavy_wheels()), base, found
