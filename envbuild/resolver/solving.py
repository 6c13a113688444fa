"""From requirements to a lock: the cached one, or a new one that gives way where it may."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ResolveError, UsageError
from ..model.conda_way import way_of
from ..model.types import Environment, Requirement
from ..progress import SILENT, Progress, Summary
from ..records import dataclass
from ..servers import edition_for, mlflow_range
from ..servers.types import Server
from . import lockcache
from .conda.part import CondaPart, conda_part, with_lock
from .conda.specs import ask_of
from .editions import mlflow_pin, with_whole, within
from .hashes import check_hashes
from .indexes import settings
from .requirements import Inputs, collect, with_skinny
from .search import Search
from .target import Platform, platform_of
from .types import Lock

if TYPE_CHECKING:
    from datetime import datetime

_TIME = "%Y-%m-%dT%H:%M:%SZ"


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
    upgrade: bool = False,
    locked: bool = False,
    model_root: Path,
    conda: str = "auto",
    wanted: str = "",
    progress: Progress = SILENT,
) -> Lock:
    """The packages of an image: what `environment`, `server` and `extra` ask for, one wheel each.

    `python` is the base's full version, `glibc` its glibc, `architecture` its architecture. A lock in `cache` for
    the same inputs is taken without network; `upgrade` passes it by, `locked` takes nothing else. `inject` adds
    the packages that the server wants listed. `conda` (`auto`, `always`, `never`) says where conda packages come from;
    where that is their channels, Python is one of them: the `wanted` version, by default of the base's minor version.
    What was chosen for the person goes to `progress` and into the lock's notes. Raises ResolveError, NetworkError,
    IntegrityError, StorageError or UsageError.
    """
    if upgrade and locked:
        raise UsageError("--upgrade and --locked exclude each other", hint="give one of them")
    way = way_of(environment, conda, model_root)
    part = CondaPart(notes=way.notes)
    if way.conda:
        ask = ask_of(
            environment,
            python=wanted or ".".join(python.split(".")[:2]),
            glibc=glibc,
            architecture=architecture,
            root=model_root,
        )
        ask = with_lock(ask, environment, model_root)
        part = conda_part(ask, way, cache, progress, upgrade=upgrade, locked=locked)
        python = part.python
    environment = way.environment
    platform = platform_of(python, glibc, architecture)
    gather = partial(
        collect,
        environment,
        platform=platform,
        extra=extra,
        inject=inject,
        model_root=model_root,
        provided=part.provided,
        pinned_by=part.pins,
    )
    asked = gather(server)
    finder = _Finder(
        platform=platform,
        cache=cache,
        server=server,
        full_mlflow=full_mlflow,
        upgrade=upgrade,
        locked=locked,
        progress=progress,
    )
    edition = edition_for(server, mlflow_pin(asked))
    if edition != server:
        asked = gather(edition)
    progress.start("resolve", f"Python {python}, {platform.tag}")
    with part.conflicts():
        lock, inputs = finder.find(asked, edition)
    lock = replace(lock, conda=part.packages)
    settled = edition_for(server, lock.mlflow)
    if settled != edition:
        # A range: only the resolution tells the version, and that version is served by another edition.
        asked = gather(settled)
        with part.conflicts():
            lock, inputs = finder.find(within(asked, mlflow_range(server, settled), server), settled)
    check_hashes(environment, lock, platform)
    lock = replace(lock, conda=part.packages, notes=(*part.notes, *inputs.notes, *lock.notes))
    for note in lock.notes:
        progress.note(note)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finder:
    """Locks for requirements: out of the cache, or resolved."""

    platform: Platform
    cache: Path
    server: Server
    full_mlflow: bool
    upgrade: bool
    locked: bool
    progress: Progress

    def find(self, asked: Inputs, edition: Server) -> tuple[Lock, Inputs]:
        """The lock for what is `asked` under that edition of the server, and the requirements as they were put."""
        full = with_whole(asked) if edition.whole_mlflow else asked
        inputs = full if edition.whole_mlflow or self.full_mlflow else with_skinny(full)
        key = lockcache.key_of(inputs, self.platform, settings(os.environ), self.server.name)
        entry = self.cache / "locks" / key
        lock = None if self.upgrade else lockcache.read(entry, inputs)
        if lock is None:
            if self.locked:
                raise ResolveError(
                    "--locked allows no resolution, and the cache has no lock for these requirements, the "
                    f"{self.server.name} server, Python {self.platform.python} and {self.platform.tag}",
                    hint="run once without --locked",
                )
            search = Search(self.platform, self.cache / "uv", self.progress, refresh=self.upgrade)
            lock, text = search.run(inputs, full, self.server.name)
            lock = lockcache.write(entry, replace(lock, created=_now()), text, inputs)
        return lock, inputs


def _now() -> str:
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).strftime(_TIME)
