"""What is different between two lock files, as a change log has it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from ..model.requirement import canonical_name
from ..records import dataclass
from .conda.lockrows import Row
from .lockfile import LockFile
from .origin import Origin

How = Literal["added", "removed", "upgraded", "downgraded", "refiled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageChange:
    """A package that is not the same. `before` and `after` are versions, empty where it is not locked.

    Of one that is `refiled` the version is the same, and the files are others: rebuilt, or for another platform.
    """

    name: str
    how: How
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockDifferences:
    """All that is different; `facts` are what the locks are for (`python`, `base`), before and after."""

    facts: tuple[tuple[str, str, str], ...]
    packages: tuple[PackageChange, ...]

    @property
    def any(self) -> bool:
        """Whether there is a difference."""
        return bool(self.facts or self.packages)


def lock_differences(one: LockFile, other: LockFile) -> LockDifferences:
    """Compare what is locked, and for what. Addresses and sizes do not count: the hash tells the file.

    Of a package whose wheels are partly the same, there is no other file.
    """
    before, after = dict(_facts(one)), dict(_facts(other))
    return LockDifferences(
        facts=tuple((what, before[what], after[what]) for what in before if before[what] != after[what]),
        packages=tuple(_changes(_packages(one), _packages(other))),
    )


def conda_differences(
    one: Sequence[Row], other: Sequence[Row], origins: tuple[Origin | None, Origin | None] = (None, None)
) -> LockDifferences:
    """The same for the rows of two conda-lock.yml files. A conda package's name says so: pip may have it too.

    `origins` are what the two were made for, None where one does not say.
    """
    before, after = dict(_conda_facts(one, origins[0])), dict(_conda_facts(other, origins[1]))
    return LockDifferences(
        facts=tuple((what, before[what], after[what]) for what in before if before[what] != after[what]),
        packages=tuple(_changes(_conda_packages(one), _conda_packages(other))),
    )


def _conda_facts(rows: Sequence[Row], origin: Origin | None) -> Iterator[tuple[str, str]]:
    python = {row.version for row in rows if row.manager == "conda" and row.name == "python"}
    yield "python", ", ".join(sorted(python))
    yield "platform", ", ".join(sorted({row.platform for row in rows}))
    yield "base", origin.base if origin else ""
    yield "base digest", origin.base_digest if origin else ""
    yield "server", origin.server if origin else ""


def _conda_packages(rows: Sequence[Row]) -> dict[str, _Locked]:
    found: dict[str, _Locked] = {}
    for row in rows:
        name = f"{row.name} (conda)" if row.manager == "conda" else canonical_name(row.name)
        earlier = found.get(name, _NONE)
        found[name] = _Locked(
            versions=_sorted((*earlier.versions, row.version)),
            files=earlier.files | {row.sha256 or row.md5 or row.url},
        )
    return found


def _facts(file: LockFile) -> Iterator[tuple[str, str]]:
    """What the lock says that it is for, by name and in the same order for any; empty where it does not say."""
    platform, origin = file.platform, file.origin
    yield "python", platform.python if platform else str(file.document.requires_python or "")
    yield "platform", platform.tag if platform else ""
    yield "base", origin.base if origin else ""
    yield "base digest", origin.base_digest if origin else ""
    yield "server", file.server


@dataclass(frozen=True, slots=True, kw_only=True)
class _Locked:
    """The versions of a package that are locked, in most locks one; the hashes of its files, of wheels once more.

    Rows of a conda-lock.yml name one file each, and there is nothing to choose: they have no `wheels`.
    """

    versions: tuple[str, ...] = ()
    files: frozenset[str] = frozenset()
    wheels: frozenset[str] = frozenset()


_NONE = _Locked()


def _packages(file: LockFile) -> dict[str, _Locked]:
    found: dict[str, _Locked] = {}
    for package in file.document.packages:
        earlier = found.get(str(package.name), _NONE)
        sources = [*(package.wheels or ()), package.sdist, package.archive]
        where = package.vcs.commit_id if package.vcs else ""
        found[str(package.name)] = _Locked(
            versions=_sorted((*earlier.versions, str(package.version or where or "?"))),
            files=earlier.files | {digest for source in sources if source for digest in source.hashes.values()},
            wheels=earlier.wheels | {wheel.hashes.get("sha256", "") for wheel in package.wheels or ()} - {""},
        )
    return found


def _changes(before: dict[str, _Locked], after: dict[str, _Locked]) -> Iterator[PackageChange]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, _NONE), after.get(name, _NONE)
        if not _same(old, new):
            how, was, is_now = _how(old, new), ", ".join(old.versions), ", ".join(new.versions)
            yield PackageChange(name=name, how=how, before=was, after=is_now)


def _same(old: _Locked, new: _Locked) -> bool:
    """Whether the same is laid down: one lock may list wheels and a source archive that the other leaves out."""
    return old.versions == new.versions and (old.files == new.files or not old.wheels.isdisjoint(new.wheels))


def _how(old: _Locked, new: _Locked) -> How:
    if not old.versions:
        return "added"
    if not new.versions:
        return "removed"
    if old.versions == new.versions:
        return "refiled"
    from packaging.version import Version

    try:
        return "upgraded" if max(map(Version, old.versions)) <= max(map(Version, new.versions)) else "downgraded"
    except ValueError:  # a commit, a version of conda's, or a number too long to be one
        numbers = [max(_numbers(version) for version in versions) for versions in (old.versions, new.versions)]
        return "upgraded" if numbers[0] <= numbers[1] else "downgraded"


def _sorted(versions: Iterable[str]) -> tuple[str, ...]:
    """Each once. Their order in a file means nothing."""
    return tuple(sorted(set(versions), key=lambda version: (_numbers(version), version)))


def _numbers(version: str) -> list[tuple[int, str, str]]:
    """What orders versions such as `2024a` and `9e`: numbers, of any length, before letters, part by part."""
    parts = [(number.lstrip("0"), letters) for number, letters in re.findall(r"([0-9]*)([A-Za-z]*)", version)]
    return [(len(number), number, letters) for number, letters in parts]
