"""What conda brings to a lock, as the choice of pip's packages sees it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ...errors import ResolveError, UsageError
from ...model.conda_way import Way, lock_beside
from ...model.types import Environment
from ...progress import Progress
from ...records import dataclass
from ..locktext import content_of
from ..requirements import Ask
from .lockrows import HINT
from .types import CondaAsk, CondaPackage, CondaSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaPart:
    """The packages of conda channels, none where the base's Python is used; `known` tells that nothing was solved.

    `pins` are the versions of pip's packages that a conda-lock.yml names, `asked` what the channels were asked for.
    """

    packages: tuple[CondaPackage, ...] = ()
    notes: tuple[str, ...] = ()
    known: bool = False
    pins: tuple[Ask, ...] = ()
    asked: tuple[CondaSpec, ...] = ()

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
        """Around the choice of pip's packages: a ResolveError that names what conda brings says so."""
        try:
            yield
        except ResolveError as error:
            named = [
                f"\n  {name} {version}{self._asked_by(name)}"
                for name, version in self.provided
                if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", error.explanation)
            ]
            if not named:
                raise
            raise ResolveError(
                f"{error.message}\nbrought by conda{''.join(named)}",
                hint="ask conda for a version that the pip list can use, or take the package out of one of the two",
                explanation=error.explanation,
                python=error.python,
                platform=error.platform,
                blamed=error.blamed,
            ) from None

    def _asked_by(self, name: str) -> str:
        """The line for which there is the Python package `name`, or the conda packages that depend on it."""
        owners = {package.name for package in self.packages if any(name == each for each, _ in package.python)}
        places = [f"{spec.where}: {spec.text}" for spec in self.asked if spec.name in owners]
        if places:
            return f", asked for by {', '.join(places)}"
        behind = [
            f"{package.name} {package.version}"
            for package in self.packages
            if owners & {needed.partition(" ")[0] for needed in package.depends}
        ]
        return (
            f", which conda's {' and '.join(behind[:3])} depend{'s' if len(behind) == 1 else ''} on" if behind else ""
        )


def with_lock(ask: CondaAsk, environment: Environment, root: Path) -> CondaAsk:
    """`ask` with the conda-lock.yml of the model in the folder `root`, where there is one.

    Raises LockFileError, and UsageError where the packages of a day are asked for: the file has chosen others.
    """
    path = lock_beside(environment, root)
    if path is None:
        return ask
    if ask.as_of:
        raise UsageError(
            f"--as-of chooses packages of a day, and the model's {path.name} has chosen others",
            hint="leave --as-of out, or take the lock out of the model's folder",
        )
    return replace(ask, lock=path, lock_sha256=hashlib.sha256(content_of(path, HINT)).hexdigest())


def _pins(ask: CondaAsk, cache: Path) -> tuple[Ask, ...]:
    """The pip entries of the lock as constraints."""
    if ask.lock is None:
        return ()
    from .locking import pins_of

    return tuple(
        Ask(name=name, text=f"{name}=={version}", where=ask.lock.name) for name, version in pins_of(ask, cache)
    )


def conda_part(ask: CondaAsk, way: Way, cache: Path, progress: Progress, *, upgrade: bool, locked: bool) -> CondaPart:
    """What the channels give for `ask`, out of the cache or solved; Python is among it. Raises as `lock_conda`."""
    from .locking import lock_conda

    progress.start("resolve", f"conda packages for {ask.subdir} from {', '.join(ask.channels)}")
    packages, notes, known = lock_conda(ask, cache, progress, upgrade=upgrade, locked=locked)
    part = CondaPart(
        packages=packages,
        notes=(f"conda packages are taken from their channels: {way.why}", *way.notes, *notes),
        known=known,
        pins=_pins(ask, cache),
        asked=ask.specs,
    )
    if not re.fullmatch(r"3\.\d+\.\d+", part.python):
        raise ResolveError(
            f"the channels give Python {part.python or '(none)'}, which no image can have",
            hint="name a version of Python in conda.yaml, such as python=3.11",
        )
    return part
