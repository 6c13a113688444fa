"""The road from a model folder to an image, as functions for a Python caller.

    load -> lint -> lock -> plan -> build

Each takes what it needs and raises an `EnvbuildError`; none prints. Progress goes to the `progress` listener.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import platforms
from .built import Built, BuiltLayer
from .linting import LintError, check, check_lock, choice, fix, lint, preview, target
from .loading import load
from .model.types import Model
from .options import Options, PushOptions
from .progress import SILENT, Progress, Summary

if TYPE_CHECKING:
    from .attesting.attestations import Statement
    from .backends.assemble import Assembled
    from .bases.types import Base, Choice
    from .deliver import Delivered, Destination
    from .describing import Wanted
    from .job import Images, Job
    from .judging import Judge
    from .local.checks import Trial
    from .local.process import Setup
    from .planner.types import Plan
    from .recalling import Recalling
    from .resolver.types import Lock
    from .shipping.push import Pushed

__all__ = [
    "LintError",
    "build",
    "choice",
    "dockerfile",
    "fix",
    "lint",
    "load",
    "lock",
    "plan",
    "preview",
    "setup",
    "target",
]


def lock(model: Model, *, options: Options | None = None, progress: Progress = SILENT) -> Lock:
    """The lock of `model`, every wheel of it in the cache."""
    from .job import Images
    from .resolver import fetch

    options = options or Options()
    job, judge = _checked(model, options, Images.connected(options), progress)
    _, _, found = _packages(job, judge)
    return fetch(found, job.store, progress)


def setup(model: Model, *, options: Options | None = None, progress: Progress = SILENT) -> Setup:
    """What serves `model` on this machine, its packages installed; nothing of the model is run."""
    from .hosting import for_host, host_setup
    from .job import Images

    options = for_host(options or Options())
    try:
        job, judge = _checked(model, options, Images.connected(options), progress)
        _, _, found = _packages(job, judge)
    except LintError as error:
        raise LintError(error.model, error.findings, undone="started") from None
    return host_setup(job, found)


def plan(model: Model, *, options: Options | None = None, progress: Progress = SILENT) -> Plan:
    """The plan of the image, without making it. Base and packages are resolved, and cached."""
    from .job import Images

    options = options or Options()
    job, judge = _checked(model, options, Images.connected(options), progress)
    return _plan(job, judge)[0]


def build(
    model: Model,
    *,
    tags: Sequence[str] = (),
    output: str = "",
    push: PushOptions | None = None,
    attach: Wanted | None = None,
    test: bool = False,
    options: Options | None = None,
    progress: Progress = SILENT,
) -> Built:
    """Make the image of `model` and deliver it.

    `tags` are image references; `output` is `docker`, `oci-dir=PATH`, `oci-archive=PATH`, `docker-archive=PATH`, or
    empty for an engine if one answers and else an OCI archive in the working directory. The `docker` backend builds in
    an engine, so it knows the output `docker` alone. With `push` the image goes to the registries of `tags`, which are
    asked first whether they take it, and elsewhere only where `output` says so. `attach` tells what is attached to
    the image, which makes an index of what is written. `test` runs the image as a container before it gets a name or is
    written anywhere, and raises TrialError where a check fails.
    """
    from . import prepare
    from .deliver import check_backend, deliver, destination
    from .job import Images

    started = time.monotonic()
    options = options or Options()
    platforms.check(options)
    if options.backend == "docker":
        check_backend(options.backend, output, push=push is not None)
        goal = destination("docker", tags, model)
        _check_attached(attach, goal)
        from .by_engine import EngineBuild

        building = EngineBuild(goal, options, progress, test=test)
        job, judge = _checked(model, options, Images.of(goal.engine), progress)
        made, base, found = _plan(job, judge)
        return building.run(made, base, found, job, started=started)
    goal = destination(output, tags, model, push)
    _check_attached(attach, goal)
    if goal.why:
        progress.note(goal.why)
    platforms.note_foreign(options, goal.engine, progress)
    if test:
        from .hosting import engine_to_test, tested

        engine = engine_to_test(goal.engine, options)
    images = Images.of(goal.engine) if goal.kind != "registry" else Images.connected(options)
    recalling = _recalling(goal, options, images, progress)
    job, judge = _checked(model, options, images, progress, recalling)
    made, base, found = _plan(job, judge)
    # Layers that nobody has seen can be neither run nor written to a file.
    alone = goal.kind == "registry" and not test

    def make(opened: Base) -> tuple[Assembled, Delivered, Trial | None]:
        from .backends.assemble import assemble

        fetch, created = prepare.fetcher(found, job.store, progress), prepare.created()
        assembled = assemble(
            made,
            base=opened,
            store=job.store,
            fetch=fetch,
            created=created,
            recalled=recalling.layers() if recalling is not None and alone else {},
            progress=progress,
        )
        image = assembled.image
        said: tuple[Statement, ...] = ()
        if attach is not None:
            from .describing import statements

            said = statements(attach, made, base=opened, lock=found, job=job, fetch=fetch, created=created)

        def push_it() -> Pushed:
            from .pushing import push_built

            return push_built(
                assembled, goal, job.store, lock=found, recalling=recalling, statements=said, progress=progress
            )

        if not test:
            return assembled, deliver(image, goal, job.store, progress, said, push_it), None
        name = goal.references[0].familiar if goal.references else str(goal.path)
        with tested(image, engine, job.store, name, progress) as (trial, loaded):
            delivered = deliver(image, goal, job.store, progress, said, push_it)
            if goal.engine is not None:
                # It went there to be tested, and got its name now.
                delivered = replace(delivered, sent=loaded.sent, omitted=loaded.omitted, already=loaded.already)
            return assembled, delivered, trial

    def make_again(opened: Base) -> tuple[Assembled, Delivered, Trial | None]:
        from .shipping.gone import GoneLayerError

        while True:
            try:
                return make(opened)
            except GoneLayerError as error:
                assert recalling is not None
                recalling.forget(error.digest)
                progress.note(f"{error.message}: it is made here")

    assembled, delivered, trial = prepare.with_sound_blobs(make if recalling is None else make_again, base, job)
    return Built(
        reference=delivered.reference,
        references=tuple(reference.familiar for reference in goal.references),
        config_digest=assembled.image.config_digest,
        manifest_digest=(
            delivered.pushed.digest
            if delivered.pushed is not None and goal.kind == "registry"
            else assembled.image.manifest_digest
        ),
        plan=made,
        lock=found,
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
        decisions=made.decisions,
        trial=trial,
        pushed=delivered.pushed,
        index_digest=delivered.index_digest,
    )


def dockerfile(
    model: Model,
    folder: Path,
    *,
    buildkit: bool = False,
    force: bool = False,
    options: Options | None = None,
    progress: Progress = SILENT,
) -> Path:
    """Write a build context for `docker build` to `folder`, all of it or nothing, and give the folder.

    It makes the files that `build` makes. `buildkit` uses what BuildKit alone understands; `force` replaces an
    earlier context even where its files were edited.
    """
    from . import prepare
    from .backends.dockerfile.earlier import refuse_to_replace
    from .backends.dockerfile.writing import write_folder
    from .by_engine import context_of
    from .job import Images

    options = replace(options or Options(), backend="docker")
    refuse_to_replace(folder, force=force)
    job, judge = _checked(model, options, Images.connected(options), progress)
    made, base, found = _plan(job, judge)

    def write(opened: Base) -> Summary:
        context = context_of(made, opened, found, job, buildkit=buildkit)
        progress.start("write", str(folder))
        size = write_folder(context, folder, force=force)
        return Summary(count=len(context.entries), noun="files", size=size, detail=str(folder))

    written = prepare.with_sound_blobs(write, base, job)
    progress.done("write", written)
    return folder


def _recalling(goal: Destination, options: Options, images: Images, progress: Progress) -> Recalling | None:
    """What the registry has of earlier builds; None where the image goes to none, or to several."""
    if goal.push is None:
        return None
    from .recalling import Recalling, cache_names

    cache_names(goal.push, goal.references)
    if len({reference.domain for reference in goal.references}) > 1:
        return None
    platform = platforms.settled(options, images.engine)[0].platform
    return Recalling(goal.references, goal.push, platform=platform, progress=progress)


def _check_attached(attach: Wanted | None, goal: Destination) -> None:
    """UsageError where `goal` cannot take what is to be attached to the image."""
    if attach is not None:
        from .describing import check_destination

        check_destination(attach, goal)


def _checked(
    model: Model, options: Options, images: Images, progress: Progress, recalling: Recalling | None = None
) -> tuple[Job, Judge]:
    """What the steps take, once the rules found no error in the files; with --fix, the model as it was mended."""
    from .job import Job, open_store

    options, why = platforms.settled(options, images.engine)
    store = open_store(options)
    model, judge = check(model, options, store, progress)
    job = Job.of(model, options, store, images, progress, platform_why=why, recalling=recalling)
    return job, judge


def _packages(job: Job, judge: Judge) -> tuple[Base, Choice, Lock]:
    from .prepare import prepare_both

    base, chosen, found = prepare_both(job, to_read=True)
    check_lock(judge, found, base, job)
    return base, chosen, found


def _plan(job: Job, judge: Judge) -> tuple[Plan, Base, Lock]:
    from .facts import heavy_wheels
    from .gather import gather
    from .planner import make_plan

    base, chosen, found = _packages(job, judge)
    return make_plan(gather(job, base, chosen, found), ranking=heavy_wheels()), base, found
