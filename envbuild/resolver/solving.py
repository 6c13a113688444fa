"""From requirements to a lock: the cached one, or a new one that gives way where it may."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ResolveError, UsageError
from ..model.types import Environment, Requirement
from ..progress import SILENT, Progress, Summary
from ..records import dataclass
from ..servers import edition_for, mlflow_range
from ..servers.types import Server
from . import lockcache
from .editions import mlflow_pin, with_whole, within
from .hashes import check_hashes
from .indexes import settings
from .modelwheels import as_they_lie
from .requirements import Inputs, collect, with_skinny
from .search import Search
from .target import Platform, platform_of
from .types import Lock
from .vouching import vouch

if TYPE_CHECKING:
    from datetime import datetime

    from .asof import AsOf

_NEWER = "UV_EXCLUDE_NEWER"
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
    as_of: AsOf | None = None,
    environ: Mapping[str, str] | None = None,
    model_root: Path,
    progress: Progress = SILENT,
) -> Lock:
    """The packages of an image: what `environment`, `server` and `extra` ask for, one wheel each.

    `python` is the base's full version, `glibc` its glibc, `architecture` its architecture. A lock in `cache` for
    the same inputs is taken without network; `upgrade` passes it by, `locked` takes nothing else. `inject` adds
    the packages that the server wants listed. `as_of` is the day of whose packages are chosen; `environ` has uv's
    variables, by default the process's. What was chosen for the person goes to `progress` and into the
    lock's notes. Raises ResolveError, NetworkError, StorageError or UsageError.
    """
    if upgrade and locked:
        raise UsageError("--upgrade and --locked exclude each other", hint="give one of them")
    platform = platform_of(python, glibc, architecture)
    gather = partial(collect, environment, platform=platform, extra=extra, inject=inject, model_root=model_root)
    asked = gather(server)
    finder = _Finder(
        platform=platform,
        cache=cache,
        server=server,
        full_mlflow=full_mlflow,
        upgrade=upgrade,
        locked=locked,
        as_of=as_of,
        environ=os.environ if environ is None else environ,
        progress=progress,
    )
    edition = edition_for(server, mlflow_pin(asked))
    if edition != server:
        asked = gather(edition)
    progress.start("resolve", f"Python {python}, {platform.tag}")
    lock, inputs = finder.find(asked, edition)
    settled = edition_for(server, lock.mlflow)
    if settled != edition:
        # A range: only the resolution tells the version, and that version is served by another edition.
        asked = gather(settled)
        lock, inputs = finder.find(within(asked, mlflow_range(server, settled), server), settled)
    check_hashes(environment, lock, platform)
    aged = (_of_that_day(as_of, server),) if as_of else ()
    lock = replace(lock, notes=(*inputs.notes, *aged, *lock.notes))
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

    platform: Platform
    cache: Path
    server: Server
    full_mlflow: bool
    upgrade: bool
    locked: bool
    as_of: AsOf | None
    environ: Mapping[str, str]
    progress: Progress

    def find(self, asked: Inputs, edition: Server) -> tuple[Lock, Inputs]:
        """The lock for what is `asked` under that edition of the server, and the requirements as they were put."""
        full = with_whole(asked) if edition.whole_mlflow else asked
        inputs = full if edition.whole_mlflow or self.full_mlflow else with_skinny(full)
        environ, chosen, exempted = self._settings(edition)
        key = lockcache.key_of(inputs, self.platform, chosen, self.server.name)
        entry = self.cache / "locks" / key
        lock = None if self.upgrade else lockcache.read(entry, inputs)
        if lock is None:
            if self.locked:
                raise ResolveError(
                    "--locked allows no resolution, and the cache has no lock for these requirements, the "
                    f"{self.server.name} server, Python {self.platform.python} and {self.platform.tag}",
                    hint="run once without --locked",
                )
            search = Search(
                self.platform,
                self.cache / "uv",
                self.progress,
                refresh=self.upgrade,
                environ=environ,
                exempt=exempted,
            )
            lock, text = search.run(inputs, full, self.server.name)
            lock = lockcache.write(entry, replace(lock, created=_now()), text, inputs)
            vouch(self.cache, lock)
        return as_they_lie(lock, inputs.wheels), inputs

    def _settings(self, edition: Server) -> tuple[Mapping[str, str], dict[str, str], tuple[str, ...]]:
        """The variables for uv, those that determine what is chosen, and the packages that may be of any day."""
        chosen = settings(self.environ)
        if self.as_of is None:
            return self.environ, chosen, ()
        from .asof import exempt

        # Not the same as the variable alone, which makes no exceptions.
        chosen.pop(_NEWER, None)
        aged = {**self.environ, _NEWER: self.as_of.moment}
        return aged, {**chosen, "as-of": self.as_of.moment}, exempt(edition, self.environ)


def _of_that_day(as_of: AsOf, server: Server) -> str:
    return (
        f"packages as of {as_of.moment} ({as_of.where}): what was published later is not taken, mended security faults "
        f"among it; what the {server.name} server brings is not bound by it"
    )


def _now() -> str:
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).strftime(_TIME)
