"""The conda part of a lock: the cached one, or solved anew, with every package of it in the store.

    <cache>/locks/<hex>/conda.json      the packages for one question, with what was found in them

Packages are fetched before pip's are chosen: which Python packages are in them is seen in the files alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...errors import CorruptBlobError, LockFileError
from ...oci.canonical import canonical_json, digest_of
from ...oci.disk import storage_errors
from ...oci.store import Store
from ...progress import Progress
from ..types import Lock, LockedPackage
from .keeping import Kept, name_of, told
from .specs import gave_way
from .types import CondaAsk, CondaPackage

# Raise it when equal questions would be answered otherwise than before, or when conda.json takes another form.
FORMAT = 3


def lock_conda(
    ask: CondaAsk,
    cache: Path,
    progress: Progress,
    *,
    upgrade: bool = False,
    locked: bool = False,
    renewed: Collection[str] = (),
    kept: Kept | None = None,
) -> tuple[tuple[CondaPackage, ...], tuple[str, ...], bool]:
    """The packages for `ask`, notes on them, and whether both were known before.

    `upgrade` passes what is cached by, `locked` takes nothing else. Those `renewed` (canonical names) are chosen anew,
    and the others stay where that goes: those of the file `kept`, else the cached ones. What such a file had a part in
    is not cached. Raises ResolveError, NetworkError, IntegrityError, LockFileError or StorageError.
    """
    entry = cache / "locks" / key_of(ask)
    known = None if upgrade else recall(entry)
    if known is not None and _stands(known[0], renewed, kept):
        return known[0], (*gave_way(ask, known[0]), *_chosen(ask), *known[1]), True
    if locked:
        raise LockFileError(
            "--locked allows no resolution, and the cache has no lock of these conda packages",
            hint="run once without --locked",
        )
    store = Store(cache / "store")
    pins: tuple[tuple[str, str], ...] = ()
    if ask.lock is not None:
        from .fitting import check_against
        from .lockfile import read_conda_lock

        read = read_conda_lock(ask.lock, ask.subdir)
        packages, remarks = _brought(read.conda, store, progress, ask, lambda: check_against(ask, read, store))
        pins = tuple((package.name, package.version) for package in read.pip)
    else:
        from .solving import solve

        before = kept.conda if kept is not None else known[0] if known is not None else ()
        held = [package for package in before if name_of(package) not in renewed]
        chosen, _ = solve(ask, cache / "conda", progress, held=held)
        packages, remarks = _brought(chosen, store, progress, ask)
        if renewed and before:
            progress.note(told(before, packages))
    if kept is None:
        remember(entry, packages, remarks, pins)
    return packages, (*gave_way(ask, packages), *_chosen(ask), *remarks), False


def _stands(known: Sequence[CondaPackage], renewed: Collection[str], kept: Kept | None) -> bool:
    """Whether the cached packages are those that are to be taken."""
    if any(name_of(package) in renewed for package in known):
        return False
    return kept is None or kept.has(package.sha256 for package in known)


def _chosen(ask: CondaAsk) -> tuple[str, ...]:
    """Who has chosen. It is not remembered: a file of the same bytes may have another name."""
    return (f"{ask.lock.name} has chosen the conda packages",) if ask.lock is not None else ()


def _brought(
    chosen: Sequence[CondaPackage],
    store: Store,
    progress: Progress,
    ask: CondaAsk,
    check: Callable[[], object] = lambda: None,
) -> tuple[tuple[CondaPackage, ...], tuple[str, ...]]:
    """What `looked_into` gives of the `chosen` ones, once `check` takes them. A damaged file is fetched anew, once."""
    from .files import looked_into

    dropped: set[str] = set()
    while True:
        bring(chosen, store, progress)
        try:
            check()
            return looked_into(chosen, store, ask.subdir)
        except CorruptBlobError as error:
            if error.digest in dropped:
                raise
            dropped.add(error.digest)
            store.drop(error.digest)
            progress.warn(f"the cached blob {error.digest[:19]} was damaged and is fetched anew")


def bring(packages: Sequence[CondaPackage], store: Store, progress: Progress) -> None:
    """Have the files of `packages` in `store`, each with the hash that the lock names."""
    from ..fetching import fetch

    lock = Lock(packages=as_locked(packages), python="", platform="", requirements=())
    if not all(store.has(f"sha256:{package.sha256}", package.size or None) for package in packages):
        fetch(lock, store, progress, noun="conda packages")


def as_locked(packages: Sequence[CondaPackage]) -> tuple[LockedPackage, ...]:
    """The packages as files to be fetched."""
    return tuple(
        LockedPackage(name=p.name, version=p.version, filename=p.filename, sha256=p.sha256, size=p.size, url=p.url)
        for p in packages
    )


def key_of(ask: CondaAsk) -> str:
    """The name of the entry: hex. The places at which packages were asked for take no part."""
    return digest_of(
        {
            "format": FORMAT,
            "conda": sorted([spec.name, spec.text] for spec in ask.specs),
            "channels": list(ask.channels),
            "subdir": ask.subdir,
            "glibc": ask.glibc,
            **({"accelerator": ask.accelerator} if ask.accelerator else {}),
            **({"as-of": ask.as_of} if ask.as_of else {}),
            **({"lock": ask.lock_sha256} if ask.lock is not None else {}),
        }
    ).removeprefix("sha256:")


def recall(entry: Path) -> tuple[tuple[CondaPackage, ...], tuple[str, ...]] | None:
    """What `remember` wrote; None where there is none, or it is damaged."""
    path = entry / "conda.json"
    try:
        document = json.loads(path.read_bytes())
        if document["format"] != FORMAT or document["digest"] != digest_of(
            [document["packages"], document["notes"], document["pins"]]
        ):
            return None
        packages = tuple(from_json(row) for row in document["packages"])
        notes = tuple(map(str, document["notes"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    with suppress(OSError):
        os.utime(path)
    return packages, notes


def pins_of(ask: CondaAsk, cache: Path) -> tuple[tuple[str, str], ...]:
    """Name and version of each pip entry of the lock of `ask`, whose packages are remembered; none without a lock."""
    try:
        rows = json.loads((cache / "locks" / key_of(ask) / "conda.json").read_bytes()).get("pins", [])
        return tuple((str(name), str(version)) for name, version in rows)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return ()


def remember(
    entry: Path,
    packages: Sequence[CondaPackage],
    notes: Sequence[str],
    pins: Sequence[tuple[str, str]] = (),
) -> None:
    """Keep them in the folder `entry`, and the versions that a lock has for pip's packages. Raises StorageError."""
    rows = [asdict(package) for package in packages]
    # Through JSON once, so that the digest is over what will be read.
    plain = json.loads(json.dumps(rows))
    rows_of_pip = [list(pin) for pin in pins]
    digest = digest_of([plain, list(notes), rows_of_pip])
    data = canonical_json(
        {"format": FORMAT, "digest": digest, "packages": plain, "notes": list(notes), "pins": rows_of_pip}
    )
    path = entry / "conda.json"
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
    with storage_errors(path):
        entry.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def from_json(row: dict[str, Any]) -> CondaPackage:
    """A package of JSON. Raises KeyError, TypeError or ValueError for what is none."""
    return CondaPackage(
        name=str(row["name"]),
        version=str(row["version"]),
        build=str(row["build"]),
        subdir=str(row["subdir"]),
        filename=str(row["filename"]),
        sha256=str(row["sha256"]),
        size=int(row["size"]),
        url=str(row["url"]),
        md5=str(row["md5"]),
        depends=tuple(map(str, row["depends"])),
        python=tuple((str(name), str(version)) for name, version in row["python"]),
        mixed=bool(row["mixed"]),
    )
