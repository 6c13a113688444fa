"""Wheels that were built here, and how they are found again: by what they were built from, and by their own hash.

One that runs everywhere (`py3-none-any`) serves every Python and every base; another the base alone that it was built
on. The requirements of a build are kept beside its wheel, and are no part of its key.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...oci.canonical import digest_of
from ...oci.disk import storage_errors
from ...oci.store import Store
from ...records import dataclass
from ..types import LockedPackage, Source

# Raise it when the same source would be built into other bytes than before.
FORMAT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A wheel from source, in the store: `sha256` is hex, `size` its bytes."""

    name: str
    version: str
    filename: str
    sha256: str
    size: int
    source: Source

    def package(self) -> LockedPackage:
        """The package of a lock."""
        return LockedPackage(
            name=self.name,
            version=self.version,
            filename=self.filename,
            sha256=self.sha256,
            size=self.size,
            source=self.source,
        )


def keep(store: Store, built: Built, place: str, requires: Sequence[LockedPackage]) -> None:
    """Remember a wheel whose bytes are in the store. `place` is what it runs on alone, empty for everywhere."""
    digest = f"sha256:{built.sha256}"
    row = {
        "digest": digest,
        "size": built.size,
        "filename": built.filename,
        "version": built.version,
        "requires": [[p.name, p.version, p.sha256] for p in requires],
    }
    store.put_key(_key(built.name, built.source, place), row)
    store.put_key(_wheel(built.sha256), {"digest": digest, "built": _told(built.name, built.source)})


def recall(store: Store, name: str, source: Source, place: str = "") -> Built | None:
    """The wheel of the package that was built from `source` before, for everywhere or for `place` alone."""
    match store.get_key(_key(name, source, place)):
        case {"digest": str(digest), "size": int(size), "filename": str(filename), "version": str(version)}:
            if store.has(digest, size):
                return Built(
                    name=name,
                    version=version,
                    filename=filename,
                    sha256=digest.removeprefix("sha256:"),
                    size=size,
                    source=source,
                )
    return None


def built_here(store: Store, package: LockedPackage) -> bool:
    """Whether this machine built the very wheel of a package from what it says that it was built from."""
    known = store.get_key(_wheel(package.sha256))
    said = _told(package.name, package.source) if package.source is not None else None
    return known is not None and known.get("built") == said and store.has(f"sha256:{package.sha256}")


def lend(store: Store, sha256: str, target: Path) -> None:
    """A copy of the blob with that hash (hex), checked on the way. CorruptBlobError, StorageError."""
    with storage_errors(target), target.open("wb") as file:
        for chunk in store.stream(f"sha256:{sha256}"):
            file.write(chunk)


def _key(name: str, source: Source, place: str) -> str:
    return "built:" + digest_of([FORMAT, name, source.identity, place])


def _wheel(sha256: str) -> str:
    return f"built-wheel:{sha256}"


def _told(name: str, source: Source) -> list[str]:
    """What a record tells of a source: no address is in it."""
    return [name, source.filename, source.sha256, source.commit, source.subdirectory]
