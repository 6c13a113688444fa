"""The lock for what is asked: the cached one, or a new one that is kept; mlflow whole where skinny is not enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LockFileError, ResolveError, SourceBuildError, StorageError
from ..model.imports import Imported
from ..progress import Progress
from ..records import dataclass
from ..servers.types import Server
from . import lockcache
from .asking import Wish
from .modellock import is_passing, is_uv_lock, loosened, note_on, own_versions
from .modelwheels import as_they_lie, without_own
from .requirements import Inputs
from .types import Lock, Source
from .vouching import vouch
from .whole import Missing, missing_in, note_of, told

if TYPE_CHECKING:
    from .conda.keeping import Kept
    from .search import Search
    from .source.builder import Builder

_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder:
    """Locks for requirements: out of the cache, or resolved.

    Those `renewed` are chosen anew. The others stay at the versions of the pylock.toml `keep`, or at those of
    `versions`; `kept` is the conda-lock.yml that these are of, if they are. What a file had a part in is not cached.
    """

    wish: Wish
    cache: Path
    upgrade: bool
    locked: bool
    renewed: tuple[str, ...]
    keep: Path | None
    imports: Callable[[], Sequence[Imported]]
    progress: Progress
    builder: Builder | None = None
    versions: Callable[[], Mapping[str, str]] | None = None
    kept: Kept | None = None

    def find(self, asked: Inputs, edition: Server) -> tuple[Lock, Inputs]:
        """The lock for what is `asked` under that edition of the server, and the requirements as they were put."""
        inputs, full = self.wish.put(asked, edition)
        lock = self._lock(inputs, full, edition)
        missing = missing_in(lock, self.imports(), self.wish.provided) if _stands_in(lock, inputs) else []
        return self._whole(lock, inputs, full, edition, missing) if missing else (lock, inputs)

    def _whole(
        self, lock: Lock, inputs: Inputs, full: Inputs, edition: Server, missing: Sequence[Missing]
    ) -> tuple[Lock, Inputs]:
        """The lock with the whole of mlflow, where that brings something of what is `missing`; else `lock` itself."""
        change = inputs.substitutions[0]
        entry = self._entry(full)
        # Where nothing is built now, what a build said before holds; else it may do better on this base or machine.
        idle = self.locked or self.builder is None or not self.builder.builds
        why = lockcache.none_noted(entry, unbuilt=idle) if not self.upgrade and not self.renewed else ""
        whole = None
        if not why:
            try:
                whole = self._lock(full, full, edition)
            except ResolveError as error:
                if not _may_give_way(error):
                    raise
                unbuilt = _unbuilt(error)
                why = unbuilt or "that has no solution"
                lockcache.note_none(entry, why, unbuilt=bool(unbuilt))
        if whole is None:
            note = f"{change.old} is not laid down whole, though {told(missing)}: {why}"
            return replace(lock, notes=(*lock.notes, note)), inputs
        names = {package.name for package in whole.packages}
        brought = [one for one in missing if one.package in names]
        if not brought:
            return lock, inputs
        return replace(whole, notes=(note_of(change.old, brought, change.new), *whole.notes)), full

    def _lock(self, inputs: Inputs, full: Inputs, edition: Server) -> Lock:
        """The lock for `inputs`, or for `full` where the index lacks mlflow-skinny."""
        server, platform, entry = self.wish.server.name, self.wish.platform, self._entry(inputs)
        earlier = None if self.upgrade else lockcache.read(entry, inputs)
        if earlier is not None and not self.renewed and self._stands(earlier):
            if self.builder is not None:
                self.builder.bring(earlier.packages, "the lock in the cache")
            self._vouch(earlier, inputs)
            return as_they_lie(earlier, inputs.wheels)
        if self.locked:
            raise LockFileError(
                "--locked allows no resolution, and the cache has no lock for these requirements, the "
                f"{server} server, Python {platform.python} and {platform.tag}",
                hint="run once without --locked",
            )
        before, held = self._before(earlier), self._held(earlier)
        own, why = own_versions(self.wish.model_root, platform, self.cache / "uv") if is_uv_lock(inputs) else ({}, "")
        kept = {name: version for name, version in {**own, **before}.items() if name not in self.renewed}
        refresh = self.upgrade or bool(self.renewed)
        search, unbuilt = self._search(edition, refresh=refresh, kept=kept, held=held), ""
        try:
            lock, text = search.run(inputs, full, server)
        except ResolveError as error:
            if not _may_give_way(error) or not inputs.own_lock or is_uv_lock(inputs):
                raise
            # What the model's lock added to its requirements need not stand against what the server needs.
            root, environment = self.wish.model_root, self.wish.environment
            (less, own), (less_full, _) = (loosened(each, environment, root) for each in (inputs, full))
            try:
                search = self._search(edition, refresh=False, kept={**own, **kept}, held=held)
                lock, text = search.run(less, less_full, server)
            except ResolveError:
                raise error from None
            unbuilt = _unbuilt(error)
        unbuilt = unbuilt or next(filter(None, map(_unbuilt, search.failures)), "")
        if inputs.own_lock:
            lock = replace(lock, notes=(*lock.notes, note_on(inputs, own, why, lock, unbuilt)))
        if self.renewed:
            self._tell(before, lock)
        lock = replace(lock, created=_now())
        # What another lock had a part in is nobody else's. What was only too slow just now holds for this run, and what
        # could not be built may go on another base or machine.
        if self.keep is None and self.kept is None and not is_passing(why) and not unbuilt:
            lock = lockcache.write(entry, lock, text, inputs)
        lock = as_they_lie(lock, inputs.wheels)
        self._vouch(lock, inputs)
        return lock

    def _entry(self, inputs: Inputs) -> Path:
        wish = self.wish
        return self.cache / "locks" / lockcache.key_of(inputs, wish.platform, wish.settings_here(), wish.server.name)

    def _stands(self, earlier: Lock) -> bool:
        """Whether the lock in the cache has the files of the one that is written anew."""
        return self.kept is None or self.kept.has(package.sha256 for package in earlier.packages)

    def _vouch(self, lock: Lock, inputs: Inputs) -> None:
        """Note that this machine's indexes gave it, but for the model's own wheels. A disk that is full is no error."""
        with suppress(StorageError):
            vouch(self.cache, without_own(lock, {(wheel.file.name, wheel.sha256) for wheel in inputs.wheels}))

    def _search(self, edition: Server, *, refresh: bool, kept: Mapping[str, str], held: Mapping[str, Source]) -> Search:
        from .search import Search

        environ, exempted = self.wish.variables(edition)
        return Search(
            self.wish.platform,
            self.cache / "uv",
            self.progress,
            refresh=refresh,
            environ=environ,
            exempt=exempted,
            kept=kept,
            builds=self.wish.builds,
            for_cpu=self.wish.accelerator == "cpu",
            builder=self.builder,
            held=held,
        )

    def _before(self, earlier: Lock | None) -> dict[str, str]:
        """The versions of the lock of which all packages stay but those that are to be chosen anew."""
        if self.versions is not None:
            return dict(self.versions())
        if not self.renewed:
            return {}
        if self.keep is not None:
            from .lockfile import read_lockfile

            return read_lockfile(self.keep).versions(self.wish.platform)
        if earlier is None:
            self.progress.note("there is no lock whose packages could stay: all are chosen anew")
            return {}
        return {package.name: package.version for package in earlier.packages}

    def _held(self, earlier: Lock | None) -> dict[str, Source]:
        """The commits that stay, of the lock of which all packages stay but those that are to be chosen anew."""
        if not self.renewed:
            return {}
        packages = earlier.packages if earlier is not None else ()
        if self.keep is not None:
            from .lockfile import read_lockfile

            with suppress(LockFileError):  # for another platform: its versions stay, and no commits
                packages = read_lockfile(self.keep).wheels(self.wish.platform)
        return {p.name: p.source for p in packages if p.source is not None and p.name not in self.renewed}

    def _tell(self, before: dict[str, str], lock: Lock) -> None:
        now = {package.name: package.version for package in lock.packages}
        for name in self.renewed:
            if name not in now:
                self.progress.warn(f"--upgrade-package {name}: it is not among the packages")
        if before:
            rows = [
                f"{name} {before.get(name) or '(new)'} -> {now.get(name) or '(gone)'}"
                for name in sorted(before.keys() | now.keys())
                if before.get(name) != now.get(name)
            ]
            self.progress.note(f"changed: {', '.join(rows)}" if rows else "no version changed")


def earlier_versions(wish: Wish, cache: Path) -> dict[str, str]:
    """The versions of the lock that `cache` has for `wish`, by name; none where it has none."""
    inputs, _ = wish.put(*wish.first())
    entry = cache / "locks" / lockcache.key_of(inputs, wish.platform, wish.settings_here(), wish.server.name)
    lock = lockcache.read(entry, inputs)
    return {package.name: package.version for package in lock.packages} if lock is not None else {}


def _may_give_way(error: ResolveError) -> bool:
    """Whether there may be a lock where something else is asked for: uv found none, or a build failed."""
    return bool(error.explanation) or isinstance(error, SourceBuildError)


def _unbuilt(error: ResolveError) -> str:
    """What could not be built, without a word of the machine; empty for another error."""
    what = error.message.partition(": ")[0]
    return f"{what} could not be built" if isinstance(error, SourceBuildError) else ""


def _stands_in(lock: Lock, inputs: Inputs) -> bool:
    """Whether mlflow-skinny was laid down in place of mlflow."""
    return bool(inputs.substitutions) and all(package.name != "mlflow" for package in lock.packages)


def _now() -> str:
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).strftime(_TIME)
