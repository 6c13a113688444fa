"""From requirements to a lock: the cached one, or a new one that gives way where it may."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ResolveError, StorageError, UsageError
from ..model.conda_way import way_of
from ..model.imports import Imported
from ..model.types import Environment, Requirement
from ..progress import SILENT, Progress, Summary
from ..records import dataclass
from ..servers import edition_for, mlflow_range
from ..servers.types import Server
from . import lockcache
from .asking import Wish
from .conda.part import CondaPart
from .editions import within
from .hashes import check_hashes
from .modellock import is_passing, is_uv_lock, loosened, note_on, own_versions
from .modelwheels import as_they_lie, without_own
from .requirements import Inputs
from .source.building import builder_for
from .target import platform_of
from .types import Lock
from .vouching import vouch
from .whole import Missing, missing_in, note_of, told

if TYPE_CHECKING:
    from datetime import datetime

    from .asof import AsOf
    from .search import Search
    from .source.bench import Bench
    from .source.builder import Builder

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
    as_of: AsOf | None = None,
    environ: Mapping[str, str] | None = None,
    upgrade_packages: tuple[str, ...] = (),
    keep: Path | None = None,
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
    `keep`, where that goes. `inject` adds the packages that the server wants listed. `accelerator` chooses torch's
    builds (`cpu`, `cuda121`). `as_of` is the day of whose packages are chosen; `environ` has uv's variables, by default
    the process's. `imports` tells what the model imports, by which mlflow-skinny is enough or not; it is called where
    that is asked. `conda` (`auto`, `always`, `never`) says where conda packages come from; where that is their
    channels, Python is one of them: the `wanted` version, by default of the base's minor version. `allow_build` are the
    packages that may be built from source (`all` for every one), on `bench`; without one only wheels that were built
    before are taken. What was chosen for the person goes to `progress` and into the lock's notes. Raises ResolveError,
    NetworkError, IntegrityError, StorageError or UsageError.
    """
    if upgrade and locked:
        raise UsageError("--upgrade and --locked exclude each other", hint="give one of them")
    way = way_of(environment, conda, model_root)
    part = CondaPart(notes=way.notes)
    if way.conda and as_of:
        raise UsageError(
            f"--as-of does not go back to a day of conda channels, and that is where packages come from: {way.why}",
            hint="name the versions in conda.yaml, or choose --conda never",
        )
    if way.conda:
        from .conda.byhash import as_lock
        from .conda.part import conda_part, with_lock
        from .conda.specs import ask_of

        ask = ask_of(
            environment,
            python=wanted or ".".join(python.split(".")[:2]),
            glibc=glibc,
            architecture=architecture,
            root=model_root,
        )
        ask = with_lock(ask, environment, model_root)
        part = conda_part(ask, way, cache, progress, upgrade=upgrade, locked=locked)
        if ask.lock is None:
            with suppress(StorageError):
                vouch(cache, as_lock(part.packages))
        python = part.python
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
    asked, edition = wish.first()
    builder = builder_for(wish, edition, cache=cache, bench=bench, progress=progress) if allow_build else None
    finder = _Finder(
        wish=wish,
        cache=cache,
        upgrade=upgrade,
        locked=locked,
        renewed=upgrade_packages,
        keep=keep,
        imports=imports,
        progress=progress,
        builder=builder,
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

    wish: Wish
    cache: Path
    upgrade: bool
    locked: bool
    renewed: tuple[str, ...]
    keep: Path | None
    imports: Callable[[], Sequence[Imported]]
    progress: Progress
    builder: Builder | None = None

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
        unsolved = self._entry(full) if not self.upgrade and not self.renewed else None
        try:
            whole = None if unsolved and lockcache.has_none(unsolved) else self._lock(full, full, edition)
        except ResolveError as error:
            if not error.explanation:
                raise
            whole = None
            lockcache.note_none(self._entry(full))
        if whole is None:
            note = f"{change.old} is not laid down whole, though {told(missing)}: that has no solution"
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
        if earlier is not None and not self.renewed:
            if self.builder is not None:
                self.builder.bring(earlier.packages, "the lock in the cache")
            self._vouch(earlier, inputs)
            return as_they_lie(earlier, inputs.wheels)
        if self.locked:
            raise ResolveError(
                "--locked allows no resolution, and the cache has no lock for these requirements, the "
                f"{server} server, Python {platform.python} and {platform.tag}",
                hint="run once without --locked",
            )
        before = self._before(earlier)
        own, why = own_versions(self.wish.model_root, platform, self.cache / "uv") if is_uv_lock(inputs) else ({}, "")
        kept = {name: version for name, version in {**own, **before}.items() if name not in self.renewed}
        refresh = self.upgrade or bool(self.renewed)
        try:
            lock, text = self._search(edition, refresh=refresh, kept=kept).run(inputs, full, server)
        except ResolveError as error:
            if not error.explanation or not inputs.own_lock or is_uv_lock(inputs):
                raise
            # What the model's lock added to its requirements need not stand against what the server needs.
            root, environment = self.wish.model_root, self.wish.environment
            (less, own), (less_full, _) = (loosened(each, environment, root) for each in (inputs, full))
            try:
                lock, text = self._search(edition, refresh=False, kept={**own, **kept}).run(less, less_full, server)
            except ResolveError:
                raise error from None
        if inputs.own_lock:
            lock = replace(lock, notes=(*lock.notes, note_on(inputs, own, why, lock)))
        if self.renewed:
            self._tell(before, lock)
        lock = replace(lock, created=_now())
        # What another lock had a part in is nobody else's, and what was only too slow just now holds for this run.
        if self.keep is None and not is_passing(why):
            lock = lockcache.write(entry, lock, text, inputs)
        lock = as_they_lie(lock, inputs.wheels)
        self._vouch(lock, inputs)
        return lock

    def _entry(self, inputs: Inputs) -> Path:
        wish = self.wish
        return self.cache / "locks" / lockcache.key_of(inputs, wish.platform, wish.settings(), wish.server.name)

    def _vouch(self, lock: Lock, inputs: Inputs) -> None:
        """Note that this machine's indexes gave it, but for the model's own wheels. A disk that is full is no error."""
        with suppress(StorageError):
            vouch(self.cache, without_own(lock, {(wheel.file.name, wheel.sha256) for wheel in inputs.wheels}))

    def _search(self, edition: Server, *, refresh: bool, kept: Mapping[str, str]) -> Search:
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
        )

    def _before(self, earlier: Lock | None) -> dict[str, str]:
        """The versions of the lock of which all packages stay but those that are to be chosen anew."""
        if not self.renewed:
            return {}
        if self.keep is not None:
            from .lockfile import read_lockfile

            return read_lockfile(self.keep).versions(self.wish.platform)
        if earlier is None:
            self.progress.note("there is no lock whose packages could stay: all are chosen anew")
            return {}
        return {package.name: package.version for package in earlier.packages}

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


def _stands_in(lock: Lock, inputs: Inputs) -> bool:
    """Whether mlflow-skinny was laid down in place of mlflow."""
    return bool(inputs.substitutions) and all(package.name != "mlflow" for package in lock.packages)


def _of_that_day(as_of: AsOf, server: Server) -> str:
    return (
        f"packages as of {as_of.moment} ({as_of.where}): what was published later is not taken, mended security faults "
        f"among it; what the {server.name} server brings is not bound by it"
    )


def _now() -> str:
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).strftime(_TIME)
