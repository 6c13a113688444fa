"""The road from a model folder to an image, as functions for a Python caller.

    load -> lint -> lock -> plan -> build

Each takes what it needs and raises an `EnvbuildError`; none prints. Progress goes to the `progress` listener.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .built import Built
from .errors import UsageError
from .linting import LintError, choice, fix, lint, preview, target
from .loading import load
from .model.types import Model
from .options import Options, PushOptions
from .platforms import canonical, check
from .progress import SILENT, Progress, Summary
from .stages import checked, packages, planned

if TYPE_CHECKING:
    from .bases.types import Base
    from .describing import Wanted
    from .local.process import Setup
    from .planner.types import Plan
    from .resolver.types import Lock

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
    from .locking import made

    return made(model, options or Options(), progress)[0]


def setup(model: Model, *, options: Options | None = None, progress: Progress = SILENT) -> Setup:
    """What serves `model` on this machine, its packages installed; nothing of the model is run."""
    from .hosting import for_host, host_setup
    from .job import Images

    options = for_host(options or Options())
    try:
        job, judge = checked(model, options, Images.connected(options), progress)
        _, _, found = packages(job, judge)
    except LintError as error:
        raise LintError(error.model, error.findings, undone="started") from None
    return host_setup(job, found)


def plan(model: Model, *, options: Options | None = None, progress: Progress = SILENT) -> Plan:
    """The plan of the image, without making it. Base and packages are resolved, and cached."""
    from .job import Images

    options = options or Options()
    job, judge = checked(model, options, Images.connected(options), progress)
    return planned(job, judge)[0]


def build(
    model: Model,
    *,
    tags: Sequence[str] = (),
    output: str = "",
    push: PushOptions | None = None,
    attach: Wanted | None = None,
    test: bool = False,
    platforms: Sequence[str] = (),
    options: Options | None = None,
    progress: Progress = SILENT,
) -> Built:
    """Make the image of `model` and deliver it.

    `tags` are image references; `output` is `docker`, `oci-dir=PATH`, `oci-archive=PATH`, `docker-archive=PATH`, or
    empty for an engine if one answers and else an OCI archive in the working directory. The `docker` backend builds in
    an engine, so it knows the output `docker` alone. With `push` the image goes to the registries of `tags`, which are
    asked first whether they take it, and elsewhere only where `output` says so. `attach` tells what is attached to
    the image, which makes an index of what is written. With `platforms` it is made for each of them, and an index of
    them goes to a registry or a file. `test` runs the image as a container before it gets a name or is
    written anywhere, and raises TrialError where a check fails.
    """
    options = options or Options()
    check(options)
    if platforms:
        from .several import build_several

        if test or options.backend == "docker":
            what = "--test runs" if test else "--backend docker builds"
            raise UsageError(f"several platforms: {what} an image for one alone", hint="build once for each of them")
        return build_several(
            model,
            [canonical(name) for name in platforms],
            tags=tags,
            output=output,
            push=push,
            attach=attach,
            options=options,
            progress=progress,
        )
    from .building import Building

    building = Building(model, tags, options, progress, attach=attach, test=test)
    return building.by_engine(output, push) if options.backend == "docker" else building.here(output, push)


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
    job, judge = checked(model, options, Images.connected(options), progress)
    made, base, found = planned(job, judge)

    def write(opened: Base) -> Summary:
        context = context_of(made, opened, found, job, buildkit=buildkit)
        progress.start("write", str(folder))
        size = write_folder(context, folder, force=force)
        return Summary(count=len(context.entries), noun="files", size=size, detail=str(folder))

    written = prepare.with_sound_blobs(write, base, job)
    progress.done("write", written)
    return folder
