"""What is inside the wheels of a lock, as one machine hands it to another, which then need not fetch them to know.

What comes from elsewhere is used for the build at hand, and never remembered: later builds, also for other registries,
would believe it of every model with that wheel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..oci.store import Store
from .contents import REVISION, as_json, from_json, machine_of, read_contents, recall_contents, wheel_key
from .types import Lock, LockedPackage, WheelContents

Told = Mapping[str, WheelContents]
"""What another machine says of wheels, by the package's canonical name."""


def contents_record(lock: Lock, store: Store, told: Told) -> dict[str, Any] | None:
    """The contents of all wheels of `lock` by their sha256, as JSON; None if not all are known. `told` counts too."""
    contents = read_contents(lock, store, told=told)
    if len(contents) < len(lock.packages):
        return None
    return {**_kind(lock), "wheels": {p.sha256: as_json(contents[p.name]) for p in lock.packages}}


def told_contents(record: Mapping[str, Any], lock: Lock) -> dict[str, WheelContents]:
    """What `record` says of wheels of `lock`, by the package's name.

    A record for another Python or machine, or of another revision, says nothing.
    """
    wheels = record.get("wheels")
    if not isinstance(wheels, Mapping) or any(record.get(name) != value for name, value in _kind(lock).items()):
        return {}
    found = {package.name: from_json(package, wheels.get(package.sha256)) for package in lock.packages}
    return {name: contents for name, contents in found.items() if contents is not None}


def unknown_wheels(lock: Lock, store: Store) -> list[LockedPackage]:
    """The packages of `lock` whose contents nobody has read yet."""
    if recall_contents(lock, store) is not None:
        return []
    return [p for p in lock.packages if from_json(p, store.get_key(wheel_key(p, lock))) is None]


def with_sizes(lock: Lock, store: Store, told: Told) -> Lock:
    """The lock with the sizes of the wheels whose contents are known, or told."""
    if all(package.size for package in lock.packages):
        return lock
    sized: list[LockedPackage] = []
    for package in lock.packages:
        contents = from_json(package, store.get_key(wheel_key(package, lock))) or told.get(package.name)
        sized.append(package if contents is None or package.size else replace(package, size=contents.size))
    return replace(lock, packages=tuple(sized))


def _kind(lock: Lock) -> dict[str, Any]:
    """What must be the same for the contents of a wheel to be the same."""
    minor = ".".join(lock.python.split(".")[:2])
    return {"revision": REVISION, "python": minor, "machine": machine_of(lock)}
