"""From requirements to a lock: the cached one, or a new one that gives way where it may."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ResolveError, UsageError
from ..model.imports import Imported
from ..model.types import Environment, Requirement
from ..progress import SILENT, Progress, Summary
from ..records import dataclass
from ..servers import edition_for, mlflow_range
from ..servers.types import Server
from . import lockcache
from .editions import mlflow_pin, with_whole, within
from .hashes import check_hashes
from .indexes import settings
from .requirements import Inputs, collect, with_skinny
from .search import Search
from .target import Platform, platform_of
from .torch import TorchBuilds, settings_of, torch_builds
from .types import Lock
from .whole import Missing, missing_in, note_of, told

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
    accelerator: str = "",
    upgrade: bool = False,
    locked: bool = False,
    model_root: Path,
    imports: Callable[[], Sequence[Imported]] = tuple,
    progress: Progress = SILENT,
) -> Lock:
    """The packages of an image: what `environment`, `server` and `extra` ask for, one wheel each.

    `python` is the base's full version, `glibc` its glibc, `architecture` its architecture. A lock in `cache` for
    the same inputs is taken without network; `upgrade` passes it by, `locked` takes nothing else. `inject` adds
    the packages that the server wants listed. `accelerator` chooses torch's builds (`cpu`, `cuda121`). `imports` tells
    what the model imports, by which mlflow-skinny is enough or not; it is called where that is asked. What was chosen
    for the person goes to `progress` and into the lock's notes. Raises ResolveError, NetworkError, StorageError or
    UsageError.
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
        accelerator=accelerator,
        builds=torch_builds(accelerator, os.environ),
        upgrade=upgrade,
        locked=locked,
        imports=imports,
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

    platform: Platform
    cache: Path
    server: Server
    full_mlflow: bool
    accelerator: str
    builds: TorchBuilds | None
    upgrade: bool
    locked: bool
    imports: Callable[[], Sequence[Imported]]
    progress: Progress

    def find(self, asked: Inputs, edition: Server) -> tuple[Lock, Inputs]:
        """The lock for what is `asked` under that edition of the server, and the requirements as they were put."""
        full = with_whole(asked) if edition.whole_mlflow else asked
        if edition.whole_mlflow or self.full_mlflow:
            return self._lock(full, full), full
        inputs = with_skinny(full)
        lock = self._lock(inputs, full)
        missing = missing_in(lock, self.imports()) if _stands_in(lock, inputs) else []
        return self._whole(lock, inputs, full, missing) if missing else (lock, inputs)

    def _whole(self, lock: Lock, inputs: Inputs, full: Inputs, missing: Sequence[Missing]) -> tuple[Lock, Inputs]:
        """The lock with the whole of mlflow, where that brings something of what is `missing`; else `lock` itself."""
        change = inputs.substitutions[0]
        try:
            whole = self._lock(full, full)
        except ResolveError as error:
            if not error.explanation:
                raise
            note = f"{change.old} is not laid down whole, though {told(missing)}: that has no solution"
            return replace(lock, notes=(*lock.notes, note)), inputs
        names = {package.name for package in whole.packages}
        brought = [one for one in missing if one.package in names]
        if not brought:
            return lock, inputs
        return replace(whole, notes=(note_of(change.old, brought, change.new), *whole.notes)), full

    def _lock(self, inputs: Inputs, full: Inputs) -> Lock:
        """The lock for `inputs`, or for `full` where the index lacks mlflow-skinny."""
        chosen = settings_of(settings(os.environ), self.accelerator, self.builds)
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
                builds=self.builds,
                for_cpu=self.accelerator == "cpu",
            )
            lock, text = search.run(inputs, full, self.server.name)
            lock = lockcache.write(entry, replace(lock, created=_now()), text, inputs)
        return lock


def _stands_in(lock: Lock, inputs: Inputs) -> bool:
    """Whether mlflow-skinny was laid down in place of mlflow."""
    return bool(inputs.substitutions) and all(package.name != "mlflow" for package in lock.packages)


def _now() -> str:
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).strftime(_TIME)
