"""What stays when a lock is made anew: the files of channels that it had, wherever they go with what is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import LockFileError
from ...model.requirement import canonical_name
from ...progress import Progress
from ..locktext import content_of
from .aging import day_of, moment_of
from .channels import ask_channels
from .lockrows import HINT
from .types import CondaAsk, CondaPackage

if TYPE_CHECKING:
    from rattler import Channel, RepoDataRecord

    from .lockfile import CondaLock


class Kept:
    """The conda-lock.yml at `path`, which is written anew; it is read where it is needed, once.

    One that cannot be read, or has nothing for `subdir`, keeps nothing, with a warning; if `strict` it is a
    LockFileError, for then somebody counts on it.
    """

    def __init__(self, path: Path, subdir: str, progress: Progress, *, strict: bool) -> None:
        self._path = path
        self._subdir = subdir
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
                self._lock = read_conda_lock(self._path, self._subdir)
            except LockFileError as error:
                if self._strict:
                    raise
                self._progress.warn(f"nothing of it stays, all packages are chosen anew: {error.message}")
                self._lock = CondaLock(subdir=self._subdir)
        return self._lock


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


def records_of(
    held: Sequence[CondaPackage], ask: CondaAsk, sources: Sequence[Channel], cache: Path, progress: Progress
) -> list[RepoDataRecord]:
    """Those of `held` that the channels have and that may be chosen for `ask`, as their lists have them.

    A lock does not tell all that a list does, so what a channel has dropped is chosen anew. Raises as rattler's query.
    """
    if not held:
        return []
    from rattler import Subdir

    wanted = {(package.filename, package.sha256) for package in held}
    names = sorted({package.name for package in held})
    here = Subdir("linux-64" if ask.subdir == "linux-64" else "linux-aarch64")
    answer = ask_channels(
        sources,
        cache,
        lambda gateway: gateway.query(sources, [here, "noarch"], names, recursive=False, channel_relations="disabled"),
        tick=lambda: progress.advance("resolve", 0),
    )
    # Of a package that a line takes from one channel, no other counts as the first.
    free = {spec.name for spec in ask.specs if "::" in spec.text}
    last, seen, found = moment_of(ask.as_of), set[str](), []
    for records in answer:
        for record in records:
            name, sha256 = record.name.normalized, record.sha256.hex() if record.sha256 else ""
            day = day_of(record)
            in_time = last is None or (day is not None and day <= last)
            if (name in free or name not in seen) and in_time and (record.file_name, sha256) in wanted:
                found.append(record)
        seen |= {record.name.normalized for record in records}
    return found
