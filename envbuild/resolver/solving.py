"""From requirements to a lock: the cached one, or a new one that gives way where it may."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ResolveError, UsageError
from ..model.types import Environment, Requirement
from ..progress import SILENT, Progress, Summary
from ..records import dataclass
from ..servers import edition_for, mlflow_range
from ..servers.types import Server
from . import lockcache
from .asking import Wish
from .editions import within
from .hashes import check_hashes
from .indexes import settings
from .requirements import Inputs
from .search import Search
from .target import platform_of
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
    progress: Progress = SILENT,
) -> Lock:
    """The packages of an image: what `environment`, `server` and `extra` ask for, one wheel each.

    `python` is the base's full version, `glibc` its glibc, `architecture` its architecture. A lock in `cache` for
    the same inputs is taken without network; `upgrade` passes it by, `locked` takes nothing else. `inject` adds
    the packages that the server wants listed. What was chosen for the person goes to `progress` and into the
    lock's notes. Raises ResolveError, NetworkError, StorageError or UsageError.
    """
    if upgrade and locked:
        raise UsageError("--upgrade and --locked exclude each other", hint="give one of them")
    platform = platform_of(python, glibc, architecture)
    wish = Wish(
        environment=environment,
        server=server,
        platform=platform,
        extra=extra,
        inject=inject,
        full_mlflow=full_mlflow,
        model_root=model_root,
    )
    asked, edition = wish.first()
    finder = _Finder(wish=wish, cache=cache, upgrade=upgrade, locked=locked, progress=progress)
    progress.start("resolve", f"Python {python}, {platform.tag}")
    lock, inputs = finder.find(asked, edition)
    settled = edition_for(server, lock.mlflow)
    if settled != edition:
        # A range: only the resolution tells the version, and that version is served by another edition.
        asked = wish.gathered(settled)
        lock, inputs = finder.find(within(asked, mlflow_range(server, settled), server), settled)
    check_hashes(environment, lock, platform)
    lock = replace(lock, notes=(*inputs.notes, *lock.notes))
    for note in lock.notes:
        progress.note(note)
    count = len(lock.packages)
    cached = count if lock.from_cache else 0
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

    wish: Wish
    cache: Path
    upgrade: bool
    locked: bool
    progress: Progress

    def find(self, asked: Inputs, edition: Server) -> tuple[Lock, Inputs]:
        """The lock for what is `asked` under that edition of the server, and the requirements as they were put."""
        inputs, full = self.wish.put(asked, edition)
        server, platform = self.wish.server.name, self.wish.platform
        key = lockcache.key_of(inputs, platform, settings(os.environ), server)
        entry = self.cache / "locks" / key
        lock = None if self.upgrade else lockcache.read(entry, inputs)
        if lock is None:
            if self.locked:
                raise ResolveError(
                    "--locked allows no resolution, and the cache has no lock for these requirements, the "
                    f"{server} server, Python {platform.python} and {platform.tag}",
                    hint="run once without --locked",
                )
            search = Search(platform, self.cache / "uv", self.progress, refresh=self.upgrade)
            lock, text = search.run(inputs, full, server)
            lock = lockcache.write(entry, replace(lock, created=_now()), text, inputs)
        return lock, inputs


def _now() -> str:
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).strftime(_TIME)
