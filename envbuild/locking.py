"""Locks of Python packages that lie in files: what one is made for, and whether it still is what is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .bases import catalogue, choose
from .bases.types import Base
from .choosing import chosen_day, wanted_python
from .errors import LockFileError, UsageError
from .importing import imports_of
from .job import Images, Job, open_store
from .model.conda_way import is_conda_lock
from .model.types import Model
from .options import Options
from .platforms import likely, settled
from .progress import SILENT, Progress
from .stages import checked, packages

if TYPE_CHECKING:
    from .resolver.asking import Wish
    from .resolver.origin import Origin
    from .resolver.target import Platform
    from .resolver.types import Lock

_KINDS = ("oci", "oci-archive", "docker-archive", "docker-daemon")
_MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}


def made(model: Model, options: Options, progress: Progress = SILENT) -> tuple[Lock, Origin]:
    """The lock of `model`, every wheel of it in the cache, and what it was made for."""
    from .resolver import fetch
    from .resolver.origin import origin_of, stands_in
    from .resolver.target import platform_of
    from .resolver.whole import recorded

    job, judge = checked(model, options, Images.connected(options), progress)
    base, _, lock = packages(job, judge)
    lock = fetch(lock, job.store, progress, environ=options.environ)
    platform = platform_of(base.interpreter.version, base.glibc, base.architecture)
    if lock.conda:
        from .condalocking import origin_for

        origin = origin_for(job, lock, platform)
    else:
        wish = wish_of(job, platform)
        origin = origin_of(wish)
        if stands_in(wish):
            imported = recorded(lock, imports_of(job.model, job.options, job.store))
            origin = replace(origin, settings={**origin.settings, **imported})
    return lock, replace(origin, base=base.public_name or _shown(base.name), base_digest=base.digest)


def wish_of(job: Job, platform: Platform) -> Wish:
    """What the packages of the job's image are asked by, for `platform`. UsageError where conda's are among them."""
    from .model import extra_requirements
    from .model.conda_way import LOCK_NAME, way_of
    from .resolver.asking import Wish

    way = way_of(job.model.environment, job.options.conda_mode, job.model.root)
    if way.conda:
        raise UsageError(
            f"a pylock.toml holds Python packages alone, and conda packages come from their channels: {way.why}",
            hint=f"lay a {LOCK_NAME} beside conda.yaml, which is honoured (`envbuild lock` writes one), or choose "
            "--conda never",
        )
    return Wish(
        environment=way.environment,
        server=job.server,
        platform=platform,
        extra=extra_requirements(job.options.requirements),
        inject=job.options.inject,
        full_mlflow=job.options.full_mlflow,
        accelerator=job.options.accelerator,
        model_root=job.model.root,
        as_of=chosen_day(job),
        environ=job.options.environ,
        allow_build=job.options.allow_build,
    )


def outdated(model: Model, file: Path, options: Options) -> list[str]:
    """What changed since the lock `file` was made, in sentences; empty where it is what the inputs call for.

    Neither base nor index is asked, so a base whose tag has moved is not seen. Raises LockFileError for a file that is
    none, UsageError and ResolveError for a model or options that nothing can be resolved for.
    """
    from .model.conda_way import LOCK_NAME, way_of
    from .resolver.lockfile import read_lockfile
    from .resolver.origin import changes, origin_of, stands_in
    from .resolver.taking import covering, edited, lock_in
    from .resolver.whole import whole_changes

    found = read_lockfile(file)
    if found.origin is None or found.platform is None:
        return ["it does not say what it was made for: [tool.envbuild.inputs] is missing"]
    options, _ = settled(options)
    job = Job.of(model, options, open_store(options), Images(), SILENT)
    rows = ["its packages were changed by hand"] if edited(found) else []
    rows += base_changes(model, options, found.origin, found.platform)
    if way_of(model.environment, options.conda_mode, model.root).conda:
        return [*rows, f"conda packages are taken from their channels now: it would be a {LOCK_NAME}"]
    wish = covering(wish_of(job, found.platform), lock_in(found).packages)
    rows += changes(found.origin, origin_of(wish))
    if stands_in(wish):
        rows += whole_changes(found.origin.settings, lock_in(found), imports_of(model, options, job.store))
    return rows


def base_changes(
    model: Model, options: Options, origin: Origin, platform: Platform, *, python: bool = True
) -> list[str]:
    """In what the base that is asked for differs from the one of a lock, as far as that is known without asking for it.

    `python` tells that the lock is for the base's own.
    """
    wanted, source = wanted_python(model, options)
    chosen = choose(options.base, wanted, python_source=source).name
    rows = []
    base = _shown(chosen)
    if base != origin.base:
        rows.append(f"the base is {base}, it was {origin.base or 'not named'}")
    elif python:
        now = next((entry.python for entry in catalogue() if entry.name == base and entry.packages), "")
        if now and now != platform.python:
            rows.append(f"the base has Python {now}, it had {platform.python}")
    digest = chosen.partition("@")[2]
    if digest and digest != origin.base_digest:
        rows.append(f"the base is {digest}, it was {origin.base_digest or 'not named'}")
    if _MACHINES.get(likely(options)) != platform.machine:
        rows.append(f"the platform is {likely(options)}, the lock is for {platform.tag}")
    return rows


def check_base(file: Path, base: Base, progress: Progress, *, locked: bool) -> None:
    """Say where the lock `file` was made on another base than `base`; with `locked` that is a LockFileError.

    Whether its wheels run there has been looked at already.
    """
    origin = _origin_in(file)
    if origin is None or not origin.base:
        return
    name = base.public_name or _shown(base.name)
    if name == origin.base and base.digest == origin.base_digest:
        return
    then, now = (origin.base, name) if name != origin.base else (origin.base_digest[:19], base.digest[:19])
    said = f"the base is {now}, it was {then}"
    if locked:
        raise LockFileError(
            f"{file} would change, and --locked forbids it: {said}",
            hint="write it anew with `envbuild lock`, or leave --locked out",
        )
    progress.note(f"{file} was made on another base: {said}")


def _origin_in(file: Path) -> Origin | None:
    if is_conda_lock(file):
        from .resolver.conda.madefor import made_for

        made = made_for(file)
        return made.origin if made is not None else None
    from .resolver.lockfile import read_lockfile

    return read_lockfile(file).origin


def _shown(name: str) -> str:
    """A base's name where it means the same on other machines, else its kind: a path is nobody else's business."""
    from .oci.remote import parse_remote

    kind = name.partition(":")[0]
    return kind if kind in _KINDS else name if kind == "debian" else parse_remote(name).name
