"""What stays when a lock is made anew: the files of channels that it had, wherever they go with what is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import LockFileError
from ...model.requirement import canonical_name
from ...progress import Progress
from ..locktext import content_of
from ..torch import ACCELERATOR
from .lockrows import HINT
from .types import CondaAsk, CondaPackage

if TYPE_CHECKING:
    from .lockfile import CondaLock


class Kept:
    """The conda-lock.yml at `path`, which is written anew for `ask`; it is read where it is needed, once.

    One that cannot be read, or has nothing for the platform, keeps nothing, with a warning; if `strict` it is a
    LockFileError, for then somebody counts on it. One that was made for another CUDA keeps nothing of channels, with a
    note: its builds would go with what is asked for now, and be the wrong ones.
    """

    def __init__(self, path: Path, ask: CondaAsk, progress: Progress, *, strict: bool) -> None:
        self._path = path
        self._ask = ask
        self._progress = progress
        self._strict = strict
        self._text: bytes | None = None
        self._lock: CondaLock | None = None

    def has(self, hashes: Iterable[str]) -> bool:
        """Whether the file names all files with these sha256 `hashes` (hex)."""
        if self._text is None:
            try:
                self._text = content_of(self._path, HINT)
            except LockFileError:
                if self._strict:
                    raise
                self._text = b""
        return all(sha256.encode() in self._text for sha256 in hashes)

    @property
    def conda(self) -> tuple[CondaPackage, ...]:
        """The files of channels."""
        return self._read().conda

    @property
    def pip(self) -> dict[str, str]:
        """The versions of pip's packages, by canonical name."""
        return {package.name: package.version for package in self._read().pip}

    def _read(self) -> CondaLock:
        from .lockfile import CondaLock, read_conda_lock

        if self._lock is None:
            try:
                self._lock = self._of_this_cuda(read_conda_lock(self._path, self._ask.subdir))
            except LockFileError as error:
                if self._strict:
                    raise
                self._progress.warn(f"nothing of it stays, all packages are chosen anew: {error.message}")
                self._lock = CondaLock(subdir=self._ask.subdir)
        return self._lock

    def _of_this_cuda(self, lock: CondaLock) -> CondaLock:
        from .madefor import made_for

        made = made_for(self._path)
        before = made.origin.settings.get(ACCELERATOR, "") if made is not None else ""
        if replace(self._ask, accelerator=before).cuda == self._ask.cuda:
            return lock
        was = f"for --accelerator {before}" if before else "without --accelerator"
        self._progress.note(f"{self._path} was made {was}: all conda packages are chosen anew")
        return replace(lock, conda=())


def name_of(package: CondaPackage) -> str:
    """What a person calls a package that is to be chosen anew: its name in its channel, as names of packages are."""
    return canonical_name(package.name)


def told(before: Sequence[CondaPackage], now: Sequence[CondaPackage]) -> str:
    """What has changed from one to the other, for people: `changed: gdal (conda) 3.8.1 -> 3.8.4`."""
    old, new = ({p.name: (p.version, p.build) for p in packages} for packages in (before, now))
    rows = []
    for name in sorted(old.keys() | new.keys()):
        was, is_now = old.get(name), new.get(name)
        if was == is_now:
            continue
        same = was is not None and is_now is not None and was[0] == is_now[0]
        shown = [(" ".join(each) if same else each[0]) if each else "" for each in (was, is_now)]
        rows.append(f"{name} (conda) {shown[0] or '(new)'} -> {shown[1] or '(gone)'}")
    return f"changed: {', '.join(rows)}" if rows else "no version of conda's packages changed"
