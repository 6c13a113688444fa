"""One image on its way: settled where it goes, made, tried out where that is asked for, and delivered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from . import platforms, prepare
from .built import Built, BuiltLayer
from .deliver import check_backend, deliver, destination
from .job import Images
from .model.types import Model
from .options import Options, PushOptions
from .progress import Progress
from .stages import checked, planned

if TYPE_CHECKING:
    from .attesting.attestations import Statement
    from .backends.assemble import Assembled
    from .bases.types import Base
    from .deliver import Delivered, Destination
    from .describing import Wanted
    from .job import Job
    from .local.checks import Trial
    from .planner.types import Plan
    from .recalling import Recalling
    from .resolver.types import Lock
    from .shipping.engine import Engine
    from .shipping.push import Pushed

    Outcome = tuple[Assembled, Delivered, Trial | None]


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
        self._check_attached(goal)
        build = EngineBuild(goal, self._options, self._progress, test=self._test)
        job, judge = checked(self._model, self._options, Images.of(goal.engine), self._progress)
        made, base, found = planned(job, judge)
        return build.run(made, base, found, job, started=self._started)

    def here(self, output: str, push: PushOptions | None) -> Built:
        """Assemble it, and deliver it to where `output` and `push` say."""
        goal = destination(output, self._tags, self._model, push)
        self._check_attached(goal)
        if goal.why:
            self._progress.note(goal.why)
        platforms.note_foreign(self._options, goal.engine, self._progress)
        if self._test:
            from .hosting import engine_to_test

            self._engine = engine_to_test(goal.engine, self._options)
        images = Images.of(goal.engine) if goal.kind != "registry" else Images.connected(self._options)
        recalling = self._recalling(goal, images)
        job, judge = checked(self._model, self._options, images, self._progress, recalling)
        made, base, found = planned(job, judge)

        def make(opened: Base) -> Outcome:
            return self._make(made, opened, found, job, goal)

        assembled, delivered, trial = prepare.with_sound_blobs(
            make if recalling is None else _without_what_is_gone(make, recalling, self._progress), base, job
        )
        return self._built(made, found, goal, assembled, delivered, trial)

    def _make(self, made: Plan, base: Base, lock: Lock, job: Job, goal: Destination) -> Outcome:
        from .backends.assemble import assemble

        fetch, created = prepare.fetcher(lock, job.store, self._progress), prepare.created()
        # Layers that nobody has seen can be neither run nor written to a file.
        alone = goal.kind == "registry" and not self._test
        assembled = assemble(
            made,
            base=base,
            store=job.store,
            fetch=fetch,
            created=created,
            recalled=job.recalling.layers() if job.recalling is not None and alone else {},
            progress=self._progress,
        )
        said: tuple[Statement, ...] = ()
        if self._attach is not None:
            from .describing import statements

            said = statements(
                self._attach,
                made,
                base=base,
                lock=lock,
                job=job,
                fetch=fetch,
                created=created,
                unseen=[(p.title, layer) for p, layer, _ in assembled.layers if layer.digest in assembled.unseen],
            )

        def push() -> Pushed:
            from .pushing import push_built

            return push_built(assembled, goal, job, lock, said)

        image, store = assembled.image, job.store
        if self._engine is None:
            return assembled, deliver(image, goal, store, self._progress, said, push), None
        from .hosting import tested

        name = goal.references[0].familiar if goal.references else str(goal.path)
        with tested(image, self._engine, store, name, self._progress) as (trial, loaded):
            delivered = deliver(image, goal, store, self._progress, said, push)
            if goal.engine is not None:
                # It went there to be tested, and got its name now.
                delivered = replace(delivered, sent=loaded.sent, omitted=loaded.omitted, already=loaded.already)
            return assembled, delivered, trial

    def _recalling(self, goal: Destination, images: Images) -> Recalling | None:
        """What the registry has of earlier builds; None where the image goes to none, or to several."""
        if goal.push is None:
            return None
        from .recalling import Recalling, cache_names

        cache_names(goal.push, goal.references)
        if len({reference.domain for reference in goal.references}) > 1:
            return None
        platform = platforms.settled(self._options, images.engine)[0].platform
        return Recalling(goal.references, goal.push, platform=platform, progress=self._progress)

    def _check_attached(self, goal: Destination) -> None:
        """UsageError where `goal` cannot take what is to be attached to the image."""
        if self._attach is not None:
            from .describing import check_destination

            check_destination(self._attach, goal)

    def _built(
        self,
        made: Plan,
        lock: Lock,
        goal: Destination,
        assembled: Assembled,
        delivered: Delivered,
        trial: Trial | None,
    ) -> Built:
        digest = assembled.image.manifest_digest
        if delivered.pushed is not None and goal.kind == "registry":
            digest = delivered.pushed.digest
        return Built(
            reference=delivered.reference,
            references=tuple(reference.familiar for reference in goal.references),
            config_digest=assembled.image.config_digest,
            manifest_digest=digest,
            plan=made,
            lock=lock,
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
            seconds=time.monotonic() - self._started,
            decisions=made.decisions,
            trial=trial,
            pushed=delivered.pushed,
            index_digest=delivered.index_digest,
        )


def _without_what_is_gone(
    make: Callable[[Base], Outcome], recalling: Recalling, progress: Progress
) -> Callable[[Base], Outcome]:
    """`make`, again for every layer that was to be used unseen and that the registry does not have any more."""

    def make_again(base: Base) -> Outcome:
        from .shipping.gone import GoneLayerError

        while True:
            try:
                return make(base)
            except GoneLayerError as error:
                recalling.forget(error.digest)
                progress.note(f"{error.message}: it is made here")

    return make_again
