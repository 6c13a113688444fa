"""Which packages an image gets: those of a lock file, those of the cache for the same inputs, or chosen anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .bases.types import Base, Foreseen
from .importing import imports_of
from .job import Job
from .model.conda_way import is_conda_lock
from .model.python import python_wanted
from .model.types import Environment, Model
from .options import Options, cache_dir
from .progress import Progress
from .resolver.types import Lock

if TYPE_CHECKING:
    from .resolver.asof import AsOf
    from .resolver.source.bench import Bench


def resolve_for(job: Job, base: Foreseen, progress: Progress, *, opened: Base | None = None) -> Lock:
    """The lock for that Python, glibc and architecture: out of --lock, resolved, or the cache's for the same inputs.

    What is there as source alone is built on the base `opened`, where `--allow-build` says so.
    """
    from .model import extra_requirements
    from .resolver import resolve

    options, file = job.options, taken_lock(job)
    if file is not None and is_conda_lock(file):
        return _out_of_conda_lock(job, file, base, progress)
    bench = _bench(job, opened) if opened is not None and options.allow_build else None
    if file is not None:
        from .locking import wish_of
        from .resolver.taking import take
        from .resolver.target import platform_of

        platform = platform_of(base.python, base.glibc, base.architecture)
        wish = wish_of(job, platform)
        return take(
            file,
            wish,
            cache=cache_dir(options),
            locked=options.locked,
            bench=bench,
            progress=progress,
            imports=lambda: imports_of(job.model, options, job.store),
        )
    return resolve(
        job.model.environment,
        job.server,
        python=base.python,
        glibc=base.glibc,
        architecture=base.architecture,
        cache=cache_dir(options),
        extra=extra_requirements(options.requirements),
        inject=options.inject,
        full_mlflow=options.full_mlflow,
        accelerator=options.accelerator,
        upgrade=options.upgrade,
        locked=options.locked,
        as_of=chosen_day(job),
        environ=options.environ,
        upgrade_packages=options.upgrade_packages,
        keep=options.lock,
        rewritten=options.rewritten,
        model_root=job.model.root,
        imports=lambda: imports_of(job.model, options, job.store),
        conda=options.conda_mode,
        wanted=wanted_python(job.model, options)[0],
        allow_build=options.allow_build,
        bench=bench,
        progress=progress,
    )


def taken_lock(job: Job) -> Path | None:
    """The lock file that the packages are taken from, if they are: `--lock`'s, or with `--locked` the model's own.

    The model's is its conda-lock.yml, where that says what it was made for, so that it can be held against that.
    """
    options = job.options
    if options.lock is not None or not options.locked or options.rewritten is not None:
        return options.lock if not options.upgrade_packages else None
    from .model.conda_way import lock_beside

    path = lock_beside(job.model.environment, job.model.root)
    if path is None or not from_conda(job):
        return None
    from .resolver.conda.madefor import made_for

    return path if made_for(path) is not None else None


def build_lost(lock: Lock, job: Job, opened: Callable[[], Base]) -> None:
    """Build the wheels of `lock` again that were built here and that the store has lost, as far as that is allowed.

    Others are left to `fetch`, which tells of them. `opened` gives the base that is built on. Raises as `bring`.
    """
    allowed = {*job.options.allow_build}
    built = [p for p in lock.packages if p.source is not None and (p.name in allowed or "all" in allowed)]
    lost = [p for p in built if not job.store.has(f"sha256:{p.sha256}", p.size or None)]
    if not lost or not job.builds or lock.conda:
        return
    from .locking import wish_of
    from .resolver.source.building import builder_for
    from .resolver.target import platform_of

    base = opened()
    if base.interpreter.version != lock.python:  # a lock for a Python of this machine, which serves without an image
        return
    wish = wish_of(job, platform_of(lock.python, base.glibc, base.architecture))
    bench, cache = _bench(job, base), cache_dir(job.options)
    builder_for(wish, job.server, cache=cache, bench=bench, progress=job.progress).bring(lost, "the lock")


def wanted_python(model: Model, options: Options) -> tuple[str, str]:
    """The Python version that is wanted (`3.11.7` or `3.11`), and where that was said; empty where nothing says."""
    if options.python:
        return options.python, "--python"
    found = python_wanted(model)
    return found.version, found.source


def from_conda(job: Job) -> bool:
    """Whether Python and more come from conda channels. Raises as `way_of`."""
    environment = job.model.environment
    if job.options.conda == "never":
        return False
    from .model.conda_way import way_of

    return way_of(environment, job.options.conda_mode, job.model.root).conda


def chosen_day(job: Job) -> AsOf | None:
    """What `--as-of` means for the model of `job`."""
    if not job.options.as_of:
        return None
    from .resolver.asof import as_of

    return as_of(job.options.as_of, job.model)


def _bench(job: Job, base: Base) -> Bench | None:
    """Where foreign code is built, if it has to be; None where nothing of a model is run."""
    if not job.builds:
        return None
    from .containing import containing
    from .resolver.source.bench import Bench

    return Bench(base, job.store, containing(job.images.engine, job.store))


def _out_of_conda_lock(job: Job, path: Path, base: Foreseen, progress: Progress) -> Lock:
    """The lock that the conda-lock.yml at `path` is, for that Python, glibc and architecture."""
    from .condalocking import pip_wish
    from .resolver.asking import Wish
    from .resolver.conda.part import CondaPart
    from .resolver.conda.taking import take_conda
    from .resolver.target import Platform

    options, model, day = job.options, job.model, chosen_day(job)

    def wish_for(environment: Environment, platform: Platform, part: CondaPart) -> Wish:
        return pip_wish(job, environment, platform, part.provided)

    return take_conda(
        path,
        model.environment,
        wish_for,
        conda=options.conda_mode,
        wanted=wanted_python(model, options)[0] or ".".join(base.python.split(".")[:2]),
        glibc=base.glibc,
        architecture=base.architecture,
        model_root=model.root,
        cache=cache_dir(options),
        accelerator=options.accelerator,
        as_of=day.moment if day else "",
        locked=options.locked,
        vouched=options.lock is not None,
        progress=progress,
        imports=lambda: imports_of(model, options, job.store),
    )
