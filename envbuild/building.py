"""One image on its way: settled where it goes, made, tried out where that is asked for, and delivered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from . import platforms, prepare
from .ahead import Ahead
from .deliver import check_backend, deliver, destination
from .job import Images, open_store
from .making import Made, make, together
from .model.types import Model
from .options import Options, PushOptions
from .outcome import built_of, check_attached, recalling_for, without_what_is_gone
from .progress import Progress
from .stages import checked, planned

if TYPE_CHECKING:
    from .bases.types import Base
    from .built import Built
    from .deliver import Delivered, Destination
    from .describing import Wanted
    from .job import Job
    from .local.checks import Trial
    from .planner.types import Plan
    from .resolver.types import Lock
    from .shipping.engine import Engine
    from .shipping.push import Pushed

    Outcome = tuple[Made, Delivered, Trial | None]


class Building:
    """A build of `model` under `tags`; `attach` tells what is attached to the image, `test` that it is tried first."""

    def __init__(
        self,
        model: Model,
        tags: Sequence[str],
        options: Options,
        progress: Progress,
        *,
        attach: Wanted | None = None,
        test: bool = False,
    ) -> None:
        self._started = time.monotonic()
        self._model = model
        self._tags = tags
        self._options = options
        self._progress = progress
        self._attach = attach
        self._test = test
        self._engine: Engine | None = None

    def by_engine(self, output: str, push: PushOptions | None) -> Built:
        """Have an engine build it, which keeps it."""
        from .by_engine import EngineBuild

        check_backend("docker", output, push=push is not None)
        goal = destination("docker", self._tags, self._model)
        check_attached(self._attach, goal)
        build = EngineBuild(goal, self._options, self._progress, test=self._test)
        job, judge = checked(self._model, self._options, Images.of(goal.engine), self._progress)
        made, base, found = planned(job, judge)
        return build.run(made, base, found, job, started=self._started)

    def here(self, output: str, push: PushOptions | None) -> Built:
        """Assemble it, and deliver it to where `output` and `push` say."""
        goal = destination(output, self._tags, self._model, push)
        check_attached(self._attach, goal)
        if goal.why:
            self._progress.note(goal.why)
        platforms.note_foreign(self._options, goal.engine, self._progress)
        if self._test:
            from .hosting import engine_to_test

            self._engine = engine_to_test(goal.engine, self._options)
        images = Images.of(goal.engine) if goal.kind != "registry" else Images.connected(self._options)
        recalling = recalling_for(goal, self._options, images, self._progress)
        with Ahead(self._model, open_store(self._options)) as ahead:
            job, judge = checked(self._model, self._options, images, self._progress, recalling)
            made, base, found = planned(job, judge, ahead=ahead)

        def work(opened: Base) -> Outcome:
            return self._make(made, opened, found, job, goal)

        one, delivered, trial = prepare.with_sound_blobs(
            work if recalling is None else without_what_is_gone(work, [recalling], self._progress), base, job
        )
        return built_of(one, goal, delivered, self._started, trial)

    def _make(self, plan: Plan, base: Base, lock: Lock, job: Job, goal: Destination) -> Outcome:
        # Layers that nobody has seen can be neither run nor written to a file.
        unseen = goal.kind == "registry" and not self._test
        one = make(plan, base, lock, job, attach=self._attach, unseen=unseen)
        image, store = one.assembled.image, job.store
        whole, _ = together([image], [one.statements])

        def push() -> Pushed:
            from .pushing import push_built

            return push_built([one], goal)

        if self._engine is None:
            return one, deliver(whole, goal, store, self._progress, push), None
        from .hosting import tested

        name = goal.references[0].familiar if goal.references else str(goal.path)
        with tested(image, self._engine, store, name, self._progress) as (trial, loaded):
            delivered = deliver(whole, goal, store, self._progress, push)
            if goal.engine is not None:
                # It went there to be tested, and got its name now.
                delivered = replace(delivered, sent=loaded.sent, omitted=loaded.omitted, already=loaded.already)
            return one, delivered, trial
