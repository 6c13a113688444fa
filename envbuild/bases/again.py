"""The very base that an image names by its digest, for whoever makes that image anew: never another of that name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal

from ..errors import EnvbuildError, UsageError
from ..oci.remote import parse_remote
from ..oci.store import Store
from ..progress import Progress
from .debian import assemble_base, base_key, kept_lock, make_downloader, python_version, suite_of
from .images import summary_of
from .lock import BaseLock, shipped
from .manifest import recall
from .mirrors import Mirrors
from .suites import ARCHITECTURES, Suite
from .types import Base

VARIABLE = "ENVBUILD_DEBIAN_SNAPSHOT"
Where = Literal["cache", "snapshot", "mirror", "registry"]


def open_again(
    name: str, digest: str, store: Store, *, architecture: str, python: str, apt: Sequence[str], progress: Progress
) -> tuple[Base, Where] | str:
    """The base `name` with exactly the manifest `digest`, and where it came from; else why it cannot be had.

    `python` is the version that it is known to have, `apt` the Debian packages that were added to it. A base that was
    assembled before is taken from the store; else its .debs are fetched, from the snapshots of ENVBUILD_DEBIAN_SNAPSHOT
    where that is set, or from the mirrors. StorageError, UsageError for a variable that is no address.
    """
    suite = suite_of(name)
    if suite is not None:
        return _debian(suite, digest, store, architecture, python, tuple(sorted(set(apt))), progress)
    if not name:
        return "it was made from a file, which has no name"
    return _registry(name, digest, store, architecture, progress)


def _registry(name: str, digest: str, store: Store, architecture: str, progress: Progress) -> tuple[Base, Where] | str:
    from .remote import open_remote

    try:
        if parse_remote(name).name != name:
            return f"{name} was an engine's image, which no registry is known to have"
        base = open_remote(
            f"{name}@{digest}", store, platform=f"linux/{architecture}", architecture=architecture, progress=progress
        )
    except EnvbuildError as error:
        return error.message
    return base, "cache" if base.cached else "registry"


def _debian(
    suite: Suite, digest: str, store: Store, architecture: str, python: str, apt: tuple[str, ...], progress: Progress
) -> tuple[Base, Where] | str:
    debian = next((ours for ours, (oci, *_) in ARCHITECTURES.items() if oci == architecture), "")
    locks = list(_locks(suite, debian, apt, store))
    for lock in locks:
        base = recall(store, base_key(lock), name=suite.name)
        if base is not None and base.digest == digest:
            return base, "cache"
    reasons = [f"this machine knows no packages of {suite.name} that make it"]
    for lock in locks:
        if python and python_version(suite, lock) != python:
            continue
        try:
            made, where = _made(suite, lock, store, progress)
        except UsageError:
            raise
        except EnvbuildError as error:
            reasons.append(error.message)
            continue
        if made is not None and made.digest == digest:
            return made, where
        reasons.append(f"the packages of {lock.date} " + ("make another" if made else "are no longer to be had"))
    return reasons[-1]


def _locks(suite: Suite, architecture: str, apt: tuple[str, ...], store: Store) -> Iterator[BaseLock]:
    """The locks that may have made the base: the one in the store, the one that came with envbuild."""
    ships = shipped(suite.codename, architecture)
    found = [kept_lock(suite, architecture, ships, store, apt), None if apt else ships]
    seen: set[str] = set()
    for lock in found:
        if lock is not None and lock.digest not in seen:
            seen.add(lock.digest)
            yield lock


def _made(suite: Suite, lock: BaseLock, store: Store, progress: Progress) -> tuple[Base | None, Where]:
    """The base of `lock`, and from where its .debs came; None where some are gone."""
    from .download import Downloader

    mirrors = snapshot_of(lock)
    downloader = Downloader(mirrors) if mirrors is not None else make_downloader(os.environ)
    progress.start("base", suite.name, total=lock.size)
    received, gone = downloader.fetch_all(lock.packages, store, lambda n: progress.advance("base", n))
    where: Where = "cache" if not received else "snapshot" if mirrors is not None else "mirror"
    base = None if gone else assemble_base(suite, lock, store, downloader)
    if base is not None:
        progress.done("base", summary_of(base, cached=False))
    return base, where


def snapshot_of(lock: BaseLock) -> Mirrors | None:
    """The snapshot of the archive that has the packages of `lock`; None where ENVBUILD_DEBIAN_SNAPSHOT is not set.

    The variable is an address below which lie `debian/TIME/` and `debian-security/TIME/`, as on Debian's own service:
    any time leads to the snapshot before it. A day after the newest index that was read, its packages are there.
    UsageError for a value that is no http or https URL.
    """
    address = os.environ.get(VARIABLE, "").strip().rstrip("/")
    if not address:
        return None
    if not address.startswith(("http://", "https://")):
        raise UsageError(
            f"{VARIABLE} is no http or https URL", hint="name the address that has `debian/` and `debian-security/`"
        )
    time = ""
    with suppress(ValueError):
        newest = datetime.strptime(max(index.date for index in lock.indexes), "%Y-%m-%dT%H:%M:%SZ")
        time = (newest + timedelta(days=1)).strftime("/%Y%m%dT%H%M%SZ")
    return Mirrors(debian=(f"{address}/debian{time}",), security=(f"{address}/debian-security{time}",), source=VARIABLE)
