"""Locks with conda packages that lie in files: what one is made for, and whether it still is what is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .choosing import chosen_day, wanted_python
from .importing import imports_of
from .job import Images, Job, open_store
from .model.types import Environment, Model
from .options import Options
from .platforms import settled
from .progress import SILENT

if TYPE_CHECKING:
    from .resolver.asking import Wish
    from .resolver.conda.types import CondaAsk
    from .resolver.origin import Origin
    from .resolver.target import Platform
    from .resolver.types import Lock


def pip_wish(job: Job, environment: Environment, platform: Platform, provided: tuple[tuple[str, str], ...]) -> Wish:
    """What pip's packages are asked by beside conda's, which bring those `provided`; `environment` is the pip list."""
    from .model import extra_requirements
    from .resolver.asking import Wish

    options = job.options
    return Wish(
        environment=environment,
        server=job.server,
        platform=platform,
        extra=extra_requirements(options.requirements),
        inject=options.inject,
        full_mlflow=options.full_mlflow,
        accelerator=options.accelerator,
        model_root=job.model.root,
        as_of=chosen_day(job),
        environ=options.environ,
        allow_build=options.allow_build,
        provided=provided,
    )


def conda_ask(job: Job, platform: Platform) -> CondaAsk:
    """What channels are asked for the job's image, with the model's own lock, but for one that is written or compared.

    Raises ResolveError, LockFileError or UsageError.
    """
    from .resolver.conda.part import with_lock
    from .resolver.conda.specs import ask_of

    day, options, model = chosen_day(job), job.options, job.model
    ask = ask_of(
        model.environment,
        python=wanted_python(model, options)[0] or platform.minor,
        glibc=f"2.{platform.glibc}",
        architecture=platform.machine,
        root=model.root,
        accelerator=options.accelerator,
        as_of=day.moment if day else "",
    )
    return with_lock(ask, model.environment, model.root, options.rewritten)


def origin_for(job: Job, lock: Lock, platform: Platform) -> Origin:
    """What `lock`, which has conda packages, was made for; where it is made, without the base."""
    from .resolver.conda.madefor import conda_origin
    from .resolver.conda.part import CondaPart
    from .resolver.origin import stands_in
    from .resolver.whole import recorded

    provided = CondaPart(packages=lock.conda).provided
    wish = pip_wish(job, replace(job.model.environment, conda=()), platform, provided)
    origin = conda_origin(wish, conda_ask(job, platform))
    if stands_in(wish):
        imported = recorded(lock, imports_of(job.model, job.options, job.store))
        origin = replace(origin, settings={**origin.settings, **imported})
    return origin


def outdated_conda(model: Model, file: Path, options: Options) -> list[str]:
    """What changed since the conda-lock.yml `file` was made, as `locking.outdated` tells it of a pylock.toml."""
    from .locking import base_changes
    from .model.conda_way import way_of
    from .resolver.conda.lockfile import read_conda_lock, subdir_named
    from .resolver.conda.madefor import MISSING, conda_origin, made_for
    from .resolver.origin import changes, stands_in
    from .resolver.types import Lock
    from .resolver.whole import whole_changes

    made = made_for(file)
    if made is None:
        return [MISSING]
    options, _ = settled(options)
    job = Job.of(model, options, open_store(options), Images(), SILENT)
    platform, origin = made.platform, made.origin
    rows = ["its packages were changed by hand"] if made.edited else []
    rows += base_changes(model, options, origin, platform, python=False)
    if not way_of(model.environment, options.conda_mode, model.root).conda:
        return [*rows, "the model takes nothing from conda channels any more"]
    read = read_conda_lock(file, subdir_named(platform.tag))
    wish = pip_wish(job, replace(model.environment, conda=()), platform, made.provided)
    rows += changes(origin, conda_origin(wish, conda_ask(job, platform)))
    if stands_in(wish):
        # Which Python packages are in conda's is seen in their files alone, and was written down for this.
        bearer = tuple(replace(package, python=made.provided) for package in read.conda[:1])
        lock = Lock(packages=read.pip, python=platform.python, platform=platform.tag, requirements=(), conda=bearer)
        rows += whole_changes(origin.settings, lock, imports_of(model, options, job.store))
    return rows
