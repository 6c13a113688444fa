"""From requirements to a lock: the cached one, or a new one that gives way where it may."""

from __future__ import annotations

import os
from collections.abc import Iterable
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
from .editions import mlflow_pin, with_whole, within
from .indexes import settings
from .requirements import SETUPTOOLS, Ask, Inputs, ceilings, collect, imports_pkg_resources, with_skinny
from .target import Platform, platform_of
from .types import Lock, LockedPackage

if TYPE_CHECKING:
    from datetime import datetime

    from .uv import Answer

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
    asked = collect(environment, server, extra=extra, inject=inject, model_root=model_root)
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
        asked = collect(environment, edition, extra=extra, inject=inject, model_root=model_root)
    progress.start("resolve", f"Python {python}, {platform.tag}")
    lock, inputs = finder.find(asked, edition)
    settled = edition_for(server, lock.mlflow)
    if settled != edition:
        # A range: only the resolution tells the version, and that version is served by another edition.
        asked = collect(environment, settled, extra=extra, inject=inject, model_root=model_root)
        lock, inputs = finder.find(within(asked, mlflow_range(server, settled), server), settled)
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
    upgrade: bool
    locked: bool
    progress: Progress

    def find(self, asked: Inputs, edition: Server) -> tuple[Lock, Inputs]:
        """The lock for what is `asked` under that edition of the server, and the requirements as they were put."""
        full = with_whole(asked) if edition.whole_mlflow else asked
        inputs = full if edition.whole_mlflow or self.full_mlflow else with_skinny(full)
        key = lockcache.key_of(inputs, self.platform, settings(os.environ), self.server.name)
        entry = self.cache / "locks" / key
        lock = None if self.upgrade else lockcache.read(entry)
        if lock is None:
            if self.locked:
                raise ResolveError(
                    "--locked allows no resolution, and the cache has no lock for these requirements, the "
                    f"{self.server.name} server, Python {self.platform.python} and {self.platform.tag}",
                    hint="run once without --locked",
                )
            search = _Search(self.platform, self.cache / "uv", self.progress, refresh=self.upgrade)
            lock, text = search.run(inputs, full, self.server.name)
            lock = lockcache.write(entry, replace(lock, created=_now()), text)
        return lock, inputs


class _Search:
    """The conversation with uv for one lock: what gives way, in which order, and what is said about it."""

    def __init__(self, platform: Platform, cache: Path, progress: Progress, *, refresh: bool) -> None:
        self._platform = platform
        self._cache = cache
        self._progress = progress
        self._refresh = refresh
        self._notes: list[str] = []
        self._given_up: set[str] = set()

    def run(self, inputs: Inputs, full: Inputs, server: str) -> tuple[Lock, str]:
        """A lock for `inputs`, or for `full` where the index lacks mlflow-skinny; and the text it is from."""
        from .explain import misses_skinny

        answer, inputs = self._solve(inputs)
        if not answer.solved and misses_skinny(answer) and inputs.substitutions:
            new = inputs.substitutions[0].new
            whole, again = self._solve(full)
            if whole.solved or not misses_skinny(whole):
                answer, inputs = whole, again
                self._notes.append(f"{full_name(full)} is laid down whole: the index has no {new}")
        packages = self._packages(answer, inputs)
        answer, inputs, packages = self._under_ceilings(answer, inputs, packages)
        lock = Lock(
            packages=packages,
            python=self._platform.python,
            platform=self._platform.tag,
            requirements=inputs.requirements,
            substitutions=inputs.substitutions,
            notes=tuple(self._notes),
            server=server,
        )
        return lock, answer.lock

    def _solve(self, inputs: Inputs) -> tuple[Answer, Inputs]:
        """Solve with as many soft constraints as hold together, the first before the later ones.

        Gives the inputs as solved: with the soft constraints that hold, and with what the others ask for instead.
        """
        from .explain import blockers, is_conflict

        answer = self._ask(inputs, inputs.soft)
        if answer.solved or not inputs.soft or not is_conflict(answer):
            return answer, inputs
        plain = self._ask(inputs, ())
        if not plain.solved:
            return plain, inputs
        answer = plain
        kept: tuple[str, ...] = ()
        for constraint in inputs.soft:
            attempt = self._ask(inputs, (*kept, constraint))
            if attempt.solved:
                answer, kept = attempt, (*kept, constraint)
                continue
            if not is_conflict(attempt):
                return attempt, inputs
            why = blockers(attempt, constraint, inputs.asks)
            self._given_up.add(constraint)
            self._notes.append(f"{constraint} could not be kept: it does not go with {why}")
        inputs = replace(inputs, soft=kept)
        needed = [new for constraint, new in inputs.fallbacks if constraint not in kept]
        if not needed:
            return answer, inputs
        self._notes += [f"{new} is added in its place" for new in needed]
        inputs = with_asks(inputs, needed, "an older version of the server")
        return self._ask(inputs, kept), inputs

    def _under_ceilings(
        self, answer: Answer, inputs: Inputs, packages: tuple[LockedPackage, ...]
    ) -> tuple[Answer, Inputs, tuple[LockedPackage, ...]]:
        """Solve again where numpy or pandas came out newer than the version of mlflow-skinny that was found allows.

        Or where that version needs setuptools, and nothing brought them.
        """
        found = {package.name: package.version for package in packages}
        if "mlflow-skinny" not in found or "mlflow" in found:
            return answer, inputs, packages
        broken = tuple(
            bound
            for bound in ceilings(found["mlflow-skinny"])
            if bound not in self._given_up and _above(found.get(bound.partition("<")[0], "0"), bound)
        )
        lacking = (SETUPTOOLS,) if "setuptools" not in found and imports_pkg_resources(found["mlflow-skinny"]) else ()
        if not broken and not lacking:
            return answer, inputs, packages
        pin = Ask(name="mlflow-skinny", text=f"mlflow-skinny=={found['mlflow-skinny']}", where="")
        again, bounded = self._solve(
            replace(
                inputs,
                asks=(*inputs.asks, *lacking),
                constraints=(*inputs.constraints, pin),
                soft=(*inputs.soft, *broken),
            )
        )
        if not again.solved:
            return answer, inputs, packages
        return again, bounded, self._packages(again, bounded)

    def _ask(self, inputs: Inputs, soft: Iterable[str]) -> Answer:
        from .pylock import NOTHING
        from .uv import Answer, compile_lock

        if not inputs.asks:
            return Answer(lock=NOTHING)
        answer = compile_lock(
            inputs.requirements,
            sorted({*(ask.text for ask in inputs.constraints), *soft}),
            self._platform,
            cache=self._cache,
            refresh=self._refresh,
            tick=lambda: self._progress.advance("resolve", 0),
        )
        self._refresh = False
        return answer

    def _packages(self, answer: Answer, inputs: Inputs) -> tuple[LockedPackage, ...]:
        from .explain import error_of
        from .pylock import select

        if not answer.solved:
            raise error_of(answer, inputs, self._platform)
        return select(answer.lock, self._platform)


def with_asks(inputs: Inputs, texts: Iterable[str], where: str) -> Inputs:
    """`inputs` with further requirements of the form `name>=1`."""
    asks = tuple(Ask(name=text.partition(">")[0].partition("=")[0], text=text, where=where) for text in texts)
    return replace(inputs, asks=(*inputs.asks, *asks))


def full_name(inputs: Inputs) -> str:
    """How mlflow was asked for."""
    return next((ask.text for ask in inputs.asks if ask.name == "mlflow"), "mlflow")


def _above(version: str, bound: str) -> bool:
    """Whether `version` breaks a bound of the form `name<2`."""
    major = version.partition(".")[0]
    return major.isdigit() and int(major) >= int(bound.partition("<")[2])


def _now() -> str:
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).strftime(_TIME)
