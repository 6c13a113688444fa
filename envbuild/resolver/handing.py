"""What is inside the wheels of a lock, as one machine hands it to another, which then need not fetch them to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..oci.store import Store
from .contents import REVISION, as_json, from_json, machine_of, recall_contents, wheel_key
from .types import Lock, LockedPackage


def contents_record(lock: Lock, store: Store) -> dict[str, Any] | None:
    """The contents of all wheels of `lock` by their sha256, as JSON; None if not all are known. Needs no wheel."""
    contents = recall_contents(lock, store)
    if contents is None:
        return None
    return {**_kind(lock), "wheels": {p.sha256: as_json(contents[p.name]) for p in lock.packages}}


def take_contents(record: Mapping[str, Any], lock: Lock, store: Store) -> None:
    """Remember what `record` says of wheels of `lock`. Raises StorageError.

    A record for another Python or machine, or of another revision, says nothing.
    """
    wheels = record.get("wheels")
    if not isinstance(wheels, Mapping) or any(record.get(name) != value for name, value in _kind(lock).items()):
        return
    for package in unknown_wheels(lock, store):
        contents = from_json(package, wheels.get(package.sha256))
        if contents is not None:
            store.put_key(wheel_key(package, lock), as_json(contents))


def unknown_wheels(lock: Lock, store: Store) -> list[LockedPackage]:
    """The packages of `lock` whose contents nobody has read yet."""
    if recall_contents(lock, store) is not None:
        return []
    return [p for p in lock.packages if from_json(p, store.get_key(wheel_key(p, lock))) is None]


def with_sizes(lock: Lock, store: Store) -> Lock:
    """The lock with the sizes of the wheels whose contents are known."""
    if all(package.size for package in lock.packages):
        return lock
    found = [from_json(package, store.get_key(wheel_key(package, lock))) for package in lock.packages]
    sized = [
        replace(package, size=contents.size) if contents is not None and not package.size else package
        for package, contents in zip(lock.packages, found, strict=True)
    ]
    return replace(lock, packages=tuple(sized))


def _kind(lock: Lock) -> dict[str, Any]:
    """What must be the same for the contents of a wheel to be the same."""
    minor = ".".join(lock.python.split(".")[:2])
    return {"revision": REVISION, "python": minor, "machine": machine_of(lock)}
