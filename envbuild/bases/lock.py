"""A base lock: every .deb of an assembled base by name, version, SHA256, size and pool path.

Locks are shipped in `data/`, one JSON file a suite and architecture. They name no host, so any mirror will do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import IntegrityError
from ..oci.canonical import digest_of
from ..records import dataclass
from .suites import Archive, keeps_programs

DATA = Path(__file__).resolve().parent / "data"
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackage:
    """One .deb. `path` is relative to the archive's root (`pool/main/...`), `size` is in bytes."""

    name: str
    version: str
    archive: Archive
    suite: str
    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedIndex:
    """An index that was read, and the date it bears (`2026-07-11T10:16:37Z`)."""

    archive: Archive
    suite: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseLock:
    """What a base of `suite` for `architecture` is made of, packages by name.

    `apt` are the packages that were asked for beyond the base's own, sorted; `added` those of `packages` that came with
    them.
    """

    suite: str
    architecture: str
    indexes: tuple[LockedIndex, ...]
    packages: tuple[LockedPackage, ...]
    apt: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def date(self) -> str:
        """The day of the newest index, `2026-11-20`; empty when there is none."""
        return max((index.date for index in self.indexes), default="")[:10]

    @property
    def size(self) -> int:
        """The sum of the .debs in bytes."""
        return sum(package.size for package in self.packages)

    @property
    def digest(self) -> str:
        """Names the packages alone: the same for equal .debs, whenever and from where they were locked."""
        rows = [[p.name, p.version, p.sha256] for p in self.packages]
        return digest_of({"packages": rows, "whole": sorted(self.whole)} if self.whole else rows)

    @property
    def whole(self) -> frozenset[str]:
        """The packages that keep their programs: those asked for, and what came with them but for essential ones."""
        return frozenset((*self.apt, *filter(keeps_programs, self.added)))

    @property
    def own(self) -> tuple[LockedPackage, ...]:
        """The packages of the base itself."""
        return tuple(p for p in self.packages if p.name not in self.added)

    def version(self, package: str) -> str:
        """The version of `package`, empty when the base does not have it."""
        return next((p.version for p in self.packages if p.name == package), "")


def upstream_version(version: str) -> str:
    """`3.11.2` of `3.11.2-6+deb12u9`, `2.36` of `2.36-9`, `1.3` of `1:1.3.dfsg-1`."""
    text = version.split(":", 1)[-1].rsplit("-", 1)[0]
    return text.split("+")[0].split("~")[0].removesuffix(".dfsg")


def to_json(lock: BaseLock) -> dict[str, Any]:
    """The lock as JSON values, in the order of the file."""
    asked = {"apt": list(lock.apt), "added": list(lock.added)} if lock.apt else {}
    return {
        "format": FORMAT,
        "suite": lock.suite,
        "architecture": lock.architecture,
        **asked,
        "indexes": [{"archive": i.archive, "suite": i.suite, "date": i.date} for i in lock.indexes],
        "packages": [
            {
                "name": p.name,
                "version": p.version,
                "archive": p.archive,
                "suite": p.suite,
                "path": p.path,
                "sha256": p.sha256,
                "size": p.size,
            }
            for p in lock.packages
        ],
    }


def from_json(value: Mapping[str, Any]) -> BaseLock:
    """The lock of its JSON values. Raises IntegrityError when they are not one."""
    try:
        if value["format"] != FORMAT:
            raise ValueError(f"format {value['format']} is unknown")
        return BaseLock(
            suite=value["suite"],
            architecture=value["architecture"],
            indexes=tuple(LockedIndex(**index) for index in value["indexes"]),
            packages=tuple(LockedPackage(**package) for package in value["packages"]),
            apt=tuple(value.get("apt", ())),
            added=tuple(value.get("added", ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"this is no base lock of format {FORMAT}: {error}", hint="install envbuild anew"
        ) from None


def shipped_path(suite: str, architecture: str) -> Path:
    """Where the package keeps the lock of `suite` for `architecture` (Debian's name: amd64, arm64)."""
    return DATA / f"{suite}-{architecture}.json"


def shipped_architectures(suite: str) -> tuple[str, ...]:
    """The architectures (Debian's names) for which a lock of `suite` came with the package, sorted."""
    return tuple(sorted(path.stem.removeprefix(f"{suite}-") for path in DATA.glob(f"{suite}-*.json")))


def shipped(suite: str, architecture: str) -> BaseLock | None:
    """The lock that came with the package, None when there is none for this architecture."""
    try:
        text = shipped_path(suite, architecture).read_bytes()
    except FileNotFoundError:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise IntegrityError(
            f"the base lock {suite}-{architecture}.json is damaged: {error}", hint="install envbuild anew"
        ) from None
    return from_json(value)
