"""What conda brings to a lock, as the choice of pip's packages sees it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ...errors import ResolveError, UsageError
from ...model.conda_way import Way, is_conda_lock, lock_beside
from ...model.requirement import canonical_name
from ...model.types import Environment
from ...progress import Progress
from ...records import dataclass
from ..asking import AS_OF
from ..locktext import content_of
from ..requirements import Ask
from .depending import split_need
from .keeping import Kept, name_of
from .lockrows import HINT
from .types import CondaAsk, CondaPackage, CondaSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaPart:
    """The packages of conda channels, none where the base's Python is used; `known` tells that nothing was solved.

    `pins` are the versions of pip's packages that the conda-lock.yml at `lock` names, `asked` what the channels were
    asked for, `before` what was `provided` until some packages were chosen anew; empty where that is the same.
    """

    packages: tuple[CondaPackage, ...] = ()
    notes: tuple[str, ...] = ()
    known: bool = False
    pins: tuple[Ask, ...] = ()
    asked: tuple[CondaSpec, ...] = ()
    before: tuple[tuple[str, str], ...] = ()
    lock: Path | None = None

    @property
    def python(self) -> str:
        """The full version of the Python among them."""
        return next((package.version for package in self.packages if package.name == "python"), "")

    @property
    def provided(self) -> tuple[tuple[str, str], ...]:
        """The Python packages in them, by canonical name and version; those that an image never gets from pip aside."""
        found = {pair for package in self.packages for pair in package.python}
        return tuple(sorted(pair for pair in found if pair[0] != "pip"))

    @contextmanager
    def conflicts(self) -> Iterator[None]:
        """Around the choice of pip's packages: a ResolveError that names what conda brings, or its lock, says so."""
        try:
            yield
        except ResolveError as error:
            named = [
                f"\n  {name} {version}{self._asked_by(name)}"
                for name, version in self.provided
                if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", error.explanation)
            ]
            locked = self._locked(error.explanation)
            if not named and not locked:
                raise
            hint = "ask conda for a version that the pip list can use, or take the package out of one of the two"
            if locked and self.lock is not None:
                hint = f"lock it anew: envbuild lock MODEL -o MODEL; or take {self.lock.name} out of the model's folder"
            brought = f"\nbrought by conda{''.join(named)}" if named else ""
            raise ResolveError(
                f"{error.message}{brought}{''.join(locked)}",
                hint=hint,
                explanation=error.explanation,
                python=error.python,
                platform=error.platform,
                blamed=error.blamed,
            ) from None

    def _locked(self, explanation: str) -> list[str]:
        """The rows of the lock with versions that the `explanation` of the resolver names."""
        texts = {
            pin.text
            for pin in self.pins
            if re.search(rf"(?<![\w.-]){re.escape(pin.text)}(?![\w+!-]|\.\w)", explanation)
        }
        if not texts or self.lock is None:
            return []
        from .lockrows import rows_of

        found: dict[str, str] = {}
        for row in rows_of(self.lock)[0]:
            name = canonical_name(row.name)
            if row.manager == "pip" and f"{name}=={row.version}" in texts:
                found.setdefault(name, f"\n{row.place} has {name} {row.version}")
        return [found[name] for name in sorted(found)]

    def _asked_by(self, name: str) -> str:
        """The line for which there is the Python package `name`, or the conda packages that depend on it."""
        owners = {package.name for package in self.packages if any(name == each for each, _ in package.python)}
        places = [f"{spec.where}: {spec.text}" for spec in self.asked if spec.name in owners]
        if places:
            return f", asked for by {', '.join(places)}"
        behind = [
            f"{package.name} {package.version}"
            for package in self.packages
            if owners & {split_need(needed)[0] for needed in package.depends}
        ]
        return (
            f", which conda's {' and '.join(behind[:3])} depend{'s' if len(behind) == 1 else ''} on" if behind else ""
        )


def with_lock(ask: CondaAsk, environment: Environment, root: Path, rewritten: Path | None = None) -> CondaAsk:
    """`ask` with the conda-lock.yml of the model in the folder `root`, where there is one that is not `rewritten` now.

    Raises LockFileError, and UsageError where the packages of a day are asked for and the file has chosen others.
    """
    path = lock_beside(environment, root)
    if path is None or (rewritten is not None and rewritten.is_file() and rewritten.samefile(path)):
        return ask
    if ask.as_of and not _of_that_day(path, ask.as_of):
        raise UsageError(
            f"--as-of chooses packages of a day, and the model's {path.name} has chosen others",
            hint="leave --as-of out, or take the lock out of the model's folder",
        )
    return replace(ask, lock=path, lock_sha256=hashlib.sha256(content_of(path, HINT)).hexdigest())


def _of_that_day(path: Path, moment: str) -> bool:
    from .madefor import made_for

    made = made_for(path)
    return made is not None and made.origin.settings.get(AS_OF) == moment


def kept_for(
    ask: CondaAsk, keep: Path | None, rewritten: Path | None, progress: Progress, *, strict: bool
) -> Kept | None:
    """The conda-lock.yml whose packages are to stay: `keep`, else the one that is `rewritten`, if there are any.

    Beside a model's own lock that has chosen there is nothing to keep, and UsageError where `keep` is to stay. `strict`
    is that of Kept.
    """
    if ask.lock is not None and keep is not None and is_conda_lock(keep):
        raise UsageError(
            f"--lock {keep}: the model's own {ask.lock.name} has chosen the packages",
            hint=f"leave --lock out, or take {ask.lock.name} out of the model's folder",
        )
    named = keep if keep is not None and is_conda_lock(keep) else rewritten
    if ask.lock is not None or named is None or not is_conda_lock(named) or not named.is_file():
        return None
    return Kept(named, ask, progress, strict=strict)


def for_pip(renewed: Collection[str], part: CondaPart, ask: CondaAsk, progress: Progress) -> tuple[str, ...]:
    """Those of the packages that are to be chosen anew that are no conda packages.

    Raises UsageError for one that the model's own lock has chosen.
    """
    conda = {name_of(package) for package in part.packages}
    if ask.lock is not None:
        chosen = conda | {name for name, _ in part.provided} | {pin.name for pin in part.pins}
        if fixed := sorted(chosen & set(renewed)):
            raise UsageError(
                f"--upgrade-package {fixed[0]}: the model's {ask.lock.name} has chosen it",
                hint=f"`envbuild lock MODEL -o MODEL --upgrade-package {fixed[0]}` writes that file anew",
            )
    for name in renewed:
        owner = next((p.name for p in part.packages if any(name == each for each, _ in p.python)), "")
        if owner and name not in conda:
            progress.warn(f"--upgrade-package {name}: conda's {owner} brings it, and goes by that name")
    return tuple(name for name in renewed if name not in conda and name not in dict(part.provided))


def _pins(ask: CondaAsk, cache: Path) -> tuple[Ask, ...]:
    """The pip entries of the lock as constraints."""
    if ask.lock is None:
        return ()
    from .locking import pins_of

    return tuple(
        Ask(name=name, text=f"{name}=={version}", where=ask.lock.name) for name, version in pins_of(ask, cache)
    )


def conda_part(
    ask: CondaAsk,
    way: Way,
    cache: Path,
    progress: Progress,
    *,
    upgrade: bool,
    locked: bool,
    renewed: Collection[str] = (),
    kept: Kept | None = None,
) -> CondaPart:
    """What the channels give for `ask`, out of the cache or solved; Python is among it. Raises as `lock_conda`."""
    from .locking import key_of, lock_conda, recall

    progress.start("resolve", f"conda packages for {ask.subdir} from {', '.join(ask.channels)}")
    renewed = () if ask.lock is not None else renewed
    earlier = recall(cache / "locks" / key_of(ask)) if renewed and kept is None else None
    packages, notes, known = lock_conda(
        ask, cache, progress, upgrade=upgrade, locked=locked, renewed=renewed, kept=kept
    )
    before = CondaPart(packages=earlier[0]).provided if earlier is not None else ()
    unlisted = ask.unlisted and ask.lock is None
    assumed = (f"conda.yaml lists no channel: packages come from {ask.channels[0]}",) if unlisted else ()
    part = CondaPart(
        packages=packages,
        notes=(f"conda packages are taken from their channels: {way.why}", *assumed, *way.notes, *notes),
        known=known,
        pins=_pins(ask, cache),
        lock=ask.lock,
        asked=ask.specs,
        before=before if before != CondaPart(packages=packages).provided else (),
    )
    if not re.fullmatch(r"3\.\d+\.\d+", part.python):
        raise ResolveError(
            f"the channels give Python {part.python or '(none)'}, which no image can have",
            hint="name a version of Python in conda.yaml, such as python=3.11",
        )
    return part
