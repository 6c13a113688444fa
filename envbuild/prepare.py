"""The steps before the plan: base, lock, and the wheels when they are wanted."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from .bases import choose, is_assembled, open_base, python_notes
from .bases.types import Base, Choice, Foreseen, Interpreter
from .choosing import build_lost, from_conda, resolve_for, taken_lock, wanted_python
from .errors import CorruptBlobError, UsageError
from .job import Job
from .model.java import java_loader, java_packages
from .model.python import python_wanted
from .planner.paths import PREFIX
from .platforms import likely
from .progress import SILENT, Progress
from .resolver.types import Lock, WheelContents

if TYPE_CHECKING:
    pass

Done = TypeVar("Done")


def prepare_base(job: Job, foreseen: Callable[[Foreseen], None] | None = None) -> tuple[Base, Choice]:
    """Choose the base by the Python that is wanted, and open it. `foreseen` is `open_base`'s."""
    options = job.options
    wanted, source = wanted_python(job.model, options)
    conda = from_conda(job)
    if conda:
        # Python comes along, so the base's own is none of the image's.
        minor = ".".join(wanted.split(".")[:2])
        alike = options.base == "auto" and is_assembled(minor)
        choice = replace(choose(options.base, minor if alike else "", python_source=""), notes=())
        if alike:
            choice = replace(choice, why=f"Python comes from conda, and the base's own is {minor} too: it can compile")
        elif options.base == "auto":
            choice = replace(choice, why="the first of the catalogue: Python comes from conda, whatever the base has")
    else:
        choice = choose(options.base, wanted, python_source=source)
    chosen = "" if options.python else python_wanted(job.model).note
    for note in filter(None, (chosen, *choice.notes)):
        job.progress.note(note)
    java = java_packages(job.model, choice.name, options.apt)
    if java:
        loader = java_loader(job.model)
        job.progress.note(
            f"{', '.join(java)} come into {choice.name}: {loader}, the model's loader, starts a Java program"
        )
    apt = (*options.apt, *java)
    base = open_base(
        choice.name,
        job.store,
        platform=likely(options),
        progress=job.progress,
        save=job.images.save,
        inspect=job.images.inspect,
        foreseen=foreseen,
        apt=apt,
        # What is added is locked on this machine, so somebody must be able to have its security updates.
        refresh=bool(apt) and options.upgrade,
        locked=options.locked,
    )
    if (file := taken_lock(job)) is not None:
        from .locking import check_base

        check_base(file, base, job.progress, locked=options.locked)
    notes = base.notes if base.assembled or conda else (*base.notes, *python_notes(base, wanted, source))
    for note in notes:
        job.progress.note(note)
    return base, choice


def prepare_both(job: Job, *, to_read: bool = False) -> tuple[Base, Choice, Lock]:
    """The base and the lock. Where the base has to be made, the packages are resolved meanwhile for what it will be.

    `to_read` says that the rules look into the wheels next: then they are fetched and read meanwhile too.
    """
    from .aside import Aside

    if job.options.allow_build:
        # What is built is built on the base, which has to be there.
        base, choice = prepare_base(job)
        base, lock = with_sound_blobs(lambda opened: (opened, prepare_lock(job, opened)), base, job)
        return on_conda(base, lock), choice, lock
    expected: list[Foreseen] = []
    with Aside[Lock](job.progress) as aside:

        def resolve_aside(foreseen: Foreseen) -> None:
            expected.append(foreseen)
            aside.start(lambda listener: resolve_and_fetch(foreseen, listener))

        def resolve_and_fetch(foreseen: Foreseen, listener: Progress) -> Lock:
            lock = resolve_for(job, foreseen, listener)
            if to_read:
                from .resolver.contents import read_contents

                lock = fetch_to_read(lock, job, listener)
                # What came is read already; this gathers it, and reads what was there before.
                read_contents(lock, job.store, told=told_of(lock, job))
            return lock

        base, choice = prepare_base(job, resolve_aside)
        if aside.started and expected[0].fits(base):
            lock = aside.result()
            return on_conda(base, lock), choice, lock
        # Nobody needs the packages of another Python, nor their wheels.
        aside.stop()
    lock = prepare_lock(job, base)
    return on_conda(base, lock), choice, lock


def prepare_lock(job: Job, base: Base) -> Lock:
    """Resolve, or take the lock that the cache has for the same inputs."""
    foreseen = Foreseen(python=base.interpreter.version, glibc=base.glibc, architecture=base.architecture)
    return resolve_for(job, foreseen, job.progress, opened=base)


def on_conda(base: Base, lock: Lock) -> Base:
    """`base` with the Python that an image of `lock` runs: conda's, where it brings one."""
    if not lock.conda:
        return base
    minor = ".".join(lock.python.split(".")[:2])
    python = Interpreter(version=lock.python, executable=f"/{PREFIX}/bin/python{minor}", home=f"/{PREFIX}")
    return replace(base, interpreter=python, own=base.own or base.interpreter)


def fetch_all(lock: Lock, job: Job, progress: Progress) -> Lock:
    """Bring every wheel of `lock` into the store, and read each while others still come; the lock with their sizes."""
    from .resolver import fetch
    from .resolver.contents import read_one

    store = job.store
    if all(package.size and store.has(f"sha256:{package.sha256}", package.size) for package in lock.packages):
        return lock
    build_lost(lock, job, lambda: _base_again(job))
    return fetch(
        lock, store, progress, arrived=lambda package: read_one(package, lock, store), environ=job.options.environ
    )


def fetch_to_read(lock: Lock, job: Job, progress: Progress) -> Lock:
    """Bring the wheels of `lock` of which it is not known what they hold into the store, and read them.

    The lock comes back with their sizes. What a registry of an earlier build knows of them is taken first.
    """
    from .resolver.handing import unknown_wheels, with_sizes

    if lock.conda:
        from .resolver.conda.locking import bring

        bring(lock.conda, job.store, progress)
    told = told_of(lock, job)
    unknown = [package for package in unknown_wheels(lock, job.store) if package.name not in told]
    if len(unknown) == len(lock.packages):
        return fetch_all(lock, job, progress)
    if unknown:
        fetch_all(replace(lock, packages=tuple(unknown)), job, progress)
    return with_sizes(lock, job.store, told)


def told_of(lock: Lock, job: Job) -> Mapping[str, WheelContents]:
    """What a registry of an earlier build says of the wheels of `lock` that nobody here has, or has looked into."""
    return {} if job.recalling is None else job.recalling.contents(lock, job.store)


def fetcher(lock: Lock, job: Job) -> Callable[[Sequence[str]], None]:
    """A function that brings the wheels and conda packages with the given sha256 (hex) of `lock` into the store."""

    def fetch_wheels(wanted: Sequence[str]) -> None:
        from .resolver import fetch

        chosen = frozenset(wanted)
        packages = lock.packages
        if lock.conda:
            from .resolver.conda.locking import as_locked

            packages += as_locked(lock.conda)
        packages = tuple(package for package in packages if package.sha256 in chosen)
        build_lost(replace(lock, packages=packages), job, lambda: _base_again(job))
        fetch(replace(lock, packages=packages), job.store, job.progress, environ=job.options.environ)

    return fetch_wheels


def created() -> str:
    """SOURCE_DATE_EPOCH as RFC 3339, or empty where it is not set."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return ""
    from .backends.assemble import rfc3339

    try:
        return rfc3339(int(text))
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"SOURCE_DATE_EPOCH is {text!r}", hint="it must be a whole number of seconds since 1970"
        ) from None


def with_sound_blobs(work: Callable[[Base], Done], base: Base, job: Job) -> Done:
    """What `work` makes on `base`. A damaged entry of the cache is a miss: it is dropped and made anew, each once."""
    dropped: set[str] = set()
    while True:
        try:
            return work(base)
        except CorruptBlobError as error:
            if error.digest in dropped:
                raise
            dropped.add(error.digest)
            job.store.drop(error.digest)
            job.progress.warn(f"the cached blob {error.digest[:19]} was damaged and is made anew")
            base = _base_again(job)


def _base_again(job: Job) -> Base:
    """The base, of which everything was told before."""
    return prepare_base(replace(job, progress=SILENT))[0]
