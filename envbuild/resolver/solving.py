"""From requirements to a lock: the cached one, or a new one that gives way where it may."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import StorageError, UsageError
from ..model.conda_way import is_conda_lock, way_of
from ..model.imports import Imported
from ..model.types import Environment, Requirement
from ..progress import SILENT, Progress, Summary
from ..servers import edition_for, mlflow_range
from ..servers.types import Server
from .asking import Wish
from .conda.part import CondaPart
from .editions import within
from .finding import Finder, earlier_versions
from .hashes import check_hashes
from .source.links import ALL
from .target import platform_of
from .torch import check_labels
from .types import Lock
from .vouching import vouch

if TYPE_CHECKING:
    from datetime import datetime

    from .asof import AsOf
    from .source.bench import Bench


def resolve(
    environment: Environment,
    server: Server,
    *,
    python: str,
    glibc: str,
    architecture: str,
    cache: Path,
    extra: tuple[Requirement, ...] = (),
    inject: bool = False,
    full_mlflow: bool = False,
    accelerator: str = "",
    upgrade: bool = False,
    locked: bool = False,
    as_of: AsOf | None = None,
    environ: Mapping[str, str] | None = None,
    upgrade_packages: tuple[str, ...] = (),
    keep: Path | None = None,
    rewritten: Path | None = None,
    model_root: Path,
    imports: Callable[[], Sequence[Imported]] = tuple,
    conda: str = "auto",
    wanted: str = "",
    allow_build: tuple[str, ...] = (),
    bench: Bench | None = None,
    progress: Progress = SILENT,
) -> Lock:
    """The packages of an image: what `environment`, `server` and `extra` ask for, one wheel each.

    `python` is the base's full version, `glibc` its glibc, `architecture` its architecture. A lock in `cache` for
    the same inputs is taken without network; `upgrade` passes it by, `locked` takes nothing else. With
    `upgrade_packages` these are chosen anew, and the others stay at the versions of that lock, or of the lock file
    `keep`, where that goes. `rewritten` is the file that the lock is to be written to: a conda-lock.yml there keeps
    its versions too, and has not chosen where it lies beside conda.yaml. `inject` adds the packages that the server
    wants listed. `accelerator` chooses torch's builds (`cpu`, `cuda121`). `as_of` is the day of whose packages are
    chosen; `environ` has uv's variables, by default the process's. `imports` tells what the model imports, by which
    mlflow-skinny is enough or not; it is called where that is asked. `conda` (`auto`, `always`, `never`) says where
    conda packages come from; where that is their channels, Python is one of them: the `wanted` version, by default
    of the base's minor version. `allow_build` are the packages that may be built from source (`all` for every one),
    on `bench`; without one only wheels that were built before are taken. What was chosen for the person goes to
    `progress` and into the lock's notes. Raises ResolveError, NetworkError, IntegrityError, LockFileError, StorageError
    or UsageError.
    """
    if upgrade and locked:
        raise UsageError("--upgrade and --locked exclude each other", hint="give one of them")
    way = way_of(environment, conda, model_root)
    part, kept = CondaPart(notes=way.notes), None
    if way.conda:
        from .conda.byhash import as_lock
        from .conda.changed import tell_of_own
        from .conda.part import conda_part, for_pip, kept_for, with_lock
        from .conda.specs import ask_of

        ask = ask_of(
            environment,
            python=wanted or ".".join(python.split(".")[:2]),
            glibc=glibc,
            architecture=architecture,
            root=model_root,
            accelerator=accelerator,
            as_of=as_of.moment if as_of else "",
        )
        ask = with_lock(ask, environment, model_root, rewritten)
        anew = upgrade or locked
        kept = None if anew else kept_for(ask, keep, rewritten, progress, strict=bool(upgrade_packages))
        part = conda_part(
            ask, way, cache, progress, upgrade=upgrade, locked=locked, renewed=upgrade_packages, kept=kept
        )
        upgrade_packages = for_pip(upgrade_packages, part, ask, progress)
        if ask.lock is None:
            with suppress(StorageError):
                vouch(cache, as_lock(part.packages))
        python = part.python
    elif keep is not None and is_conda_lock(keep):
        raise UsageError(
            f"--lock {keep}: the model takes nothing from conda channels",
            hint="name a pylock.toml; or leave --conda never out, where the model has a conda.yaml",
        )
    environment = way.environment
    platform = platform_of(python, glibc, architecture)
    wish = Wish(
        environment=environment,
        server=server,
        platform=platform,
        extra=extra,
        inject=inject,
        full_mlflow=full_mlflow,
        accelerator=accelerator,
        model_root=model_root,
        as_of=as_of,
        environ=environ,
        provided=part.provided,
        pinned_by=part.pins,
        allow_build=allow_build,
    )
    if way.conda:
        tell_of_own(ask, wish, progress)
    versions: Callable[[], Mapping[str, str]] | None = None
    if kept is not None:
        keep, versions = None, lambda: kept.pip
    elif part.before:
        versions = partial(earlier_versions, replace(wish, provided=part.before), cache)
    asked, edition = wish.first()
    check_labels(asked.asks, accelerator)
    builder = None
    if allow_build:
        from .source.building import builder_for

        builder = builder_for(wish, edition, cache=cache, bench=bench, progress=progress)
    finder = Finder(
        wish=wish,
        cache=cache,
        upgrade=upgrade,
        locked=locked,
        renewed=upgrade_packages,
        keep=keep,
        imports=imports,
        progress=progress,
        builder=builder,
        versions=versions,
        kept=kept,
    )
    progress.start("resolve", f"Python {python}, {platform.tag}")
    with part.conflicts():
        lock, inputs = finder.find(asked, edition)
    lock = replace(lock, conda=part.packages)
    settled = edition_for(server, lock.mlflow)
    if settled != edition:
        # A range: only the resolution tells the version, and that version is served by another edition.
        asked = wish.gathered(settled)
        with part.conflicts():
            lock, inputs = finder.find(within(asked, mlflow_range(server, settled), server), settled)
    check_hashes(environment, lock, platform)
    aged = (_of_that_day(as_of, server),) if as_of else ()
    lock = replace(lock, conda=part.packages, notes=(*part.notes, *inputs.notes, *aged, *lock.notes))
    for note in lock.notes:
        progress.note(note)
    for name in sorted({*allow_build} - {ALL, *(package.name for package in lock.packages)}):
        progress.note(f"--allow-build {name}: it is not among the packages")
    count = len(lock.packages) + len(lock.conda)
    cached = (len(lock.packages) if lock.from_cache else 0) + (len(lock.conda) if part.known else 0)
    age = f"locked {age_of(lock.created)}, --upgrade resolves anew" if lock.from_cache else ""
    progress.done("resolve", Summary(count=count, noun="packages", cached=cached, detail=age))
    return lock


def age_of(created: str, now: datetime | None = None) -> str:
    """How long ago the ISO 8601 time `created` was, in words: `5 minutes ago`; `some time ago` if it is none."""
    from datetime import datetime, timezone

    try:
        then = datetime.fromisoformat(created.removesuffix("Z")).replace(tzinfo=timezone.utc)
    except ValueError:
        return "some time ago"
    seconds = ((now or datetime.now(timezone.utc)) - then).total_seconds()
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length)
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def _of_that_day(as_of: AsOf, server: Server) -> str:
    return (
        f"packages as of {as_of.moment} ({as_of.where}): what was published later is not taken, mended security faults "
        f"among it; what the {server.name} server brings is not bound by it"
    )
