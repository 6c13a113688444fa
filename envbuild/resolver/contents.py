"""What the locked wheels hold: modules, requirements, and the shared libraries that they bring and ask for.

Read from the wheels in the store, and remembered there: by wheel, and once more for a lock as a whole, so that a second
run reads one file. Nothing is unpacked, and nothing of a wheel is run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..oci.soundness import sound_file
from ..oci.store import Store
from ..progress import SILENT, Progress
from .types import Lock, LockedPackage, WheelContents

if TYPE_CHECKING:
    from collections.abc import Iterable

# The revision of what is found out about a wheel.
REVISION = 4
_MOST_THREADS = 8


def read_contents(
    lock: Lock, store: Store, *, told: Mapping[str, WheelContents] | None = None, progress: Progress = SILENT
) -> dict[str, WheelContents]:
    """The contents of the wheels of `lock` by canonical name. A wheel that the store lacks, or damaged, is left out.

    `told` has, by that name, what somebody else says of wheels: taken where a wheel is neither here nor known, and not
    remembered.
    """
    known = recall_contents(lock, store)
    if known is not None:
        return known
    told = told or {}
    found: dict[str, WheelContents] = {}
    heard: dict[str, WheelContents] = {}
    unknown: list[LockedPackage] = []
    for package in lock.packages:
        contents = from_json(package, store.get_key(wheel_key(package, lock)))
        if contents is None and package.name in told and not store.has(f"sha256:{package.sha256}"):
            heard[package.name] = told[package.name]
        elif contents is None:
            unknown.append(package)
        else:
            found[package.name] = contents
    for package, contents in _read_all(unknown, lock, store, progress):
        store.put_key(wheel_key(package, lock), as_json(contents))
        found[package.name] = contents
    if len(found) == len(lock.packages):
        store.put_key(_lock_key(lock), {"wheels": {name: as_json(one) for name, one in found.items()}})
    found |= heard
    return {package.name: found[package.name] for package in lock.packages if package.name in found}


def recall_contents(lock: Lock, store: Store) -> dict[str, WheelContents] | None:
    """What `read_contents` gave for the same lock; None if it is not known of every wheel. Needs no wheel."""
    wheels = (store.get_key(_lock_key(lock)) or {}).get("wheels")
    if not isinstance(wheels, Mapping):
        return None
    found = {package.name: from_json(package, wheels.get(package.name)) for package in lock.packages}
    return None if None in found.values() else {name: one for name, one in found.items() if one is not None}


def unreadable(lock: Lock, contents: Mapping[str, WheelContents], store: Store) -> list[str]:
    """The packages of `lock` that `contents` lacks, by name, though their wheels are as they were locked.

    Raises CorruptBlobError for the first whose wheel is damaged or missing: it can be had anew.
    """
    lacking = [package for package in lock.packages if package.name not in contents]
    for package in lacking:
        for _ in store.stream(f"sha256:{package.sha256}"):
            pass  # the last piece comes only where the hash is right
    return [package.name for package in lacking]


def read_one(package: LockedPackage, lock: Lock, store: Store) -> None:
    """Read the wheel of `package`, which is in the store, for a later `read_contents`; nothing where it is known."""
    from .wheelreading import read_wheel

    if from_json(package, store.get_key(wheel_key(package, lock))) is None:
        path = store.blob(f"sha256:{package.sha256}")
        contents = read_wheel(path, package, python=lock.python, machine=machine_of(lock))
        if contents is not None:
            store.put_key(wheel_key(package, lock), as_json(contents))


def _read_all(
    packages: list[LockedPackage], lock: Lock, store: Store, progress: Progress
) -> Iterable[tuple[LockedPackage, WheelContents]]:
    """The readable ones, each as it is done. Inflating lets other threads run, so threads are enough."""
    from concurrent.futures import as_completed

    from ..threads import pool
    from .wheelreading import read_wheel

    def read(package: LockedPackage) -> WheelContents | None:
        # Of a damaged wheel something could be read all the same, and would be remembered as what the sound one holds.
        path = sound_file(store, f"sha256:{package.sha256}")
        return None if path is None else read_wheel(path, package, python=lock.python, machine=machine_of(lock))

    if not packages:
        return
    largest_first = sorted(packages, key=lambda p: (-p.size, p.name))
    with pool(min(len(packages), os.cpu_count() or 1, _MOST_THREADS)) as threads:
        jobs = {threads.submit(read, package): package for package in largest_first}
        for job in as_completed(jobs):
            contents = job.result()
            progress.advance("lint", what=jobs[job].name)
            if contents is not None:
                yield jobs[job], contents


def machine_of(lock: Lock) -> str:
    """The architecture of a lock's platform tag: `x86_64` of `manylinux_2_36_x86_64`."""
    return next((name for name in ("x86_64", "aarch64") if lock.platform.endswith(name)), "")


def wheel_key(package: LockedPackage, lock: Lock) -> str:
    """What the store remembers a wheel's contents under: other modules for another Python, libraries of one machine."""
    minor = ".".join(lock.python.split(".")[:2])
    return f"contents:{REVISION}:{minor}:{machine_of(lock)}:sha256:{package.sha256}"


def _lock_key(lock: Lock) -> str:
    return f"lock-contents:{REVISION}:{lock.digest}"


def as_json(contents: WheelContents) -> dict[str, Any]:
    """The contents as JSON, without the wheel's name and version."""
    # One text for thousands of names: it is read ten times as fast as a list of them.
    return {
        "modules": " ".join(sorted(contents.modules)),
        "requires": list(contents.requires),
        "needed": sorted(contents.needed),
        "provided": sorted(contents.provided),
        "askers": [list(pair) for pair in contents.askers],
        "size": contents.size,
    }


def from_json(package: LockedPackage, value: Any) -> WheelContents | None:
    """The remembered contents; None for anything that is not what was written."""
    try:
        contents = WheelContents(
            name=package.name,
            version=package.version,
            modules=frozenset(value["modules"].split()),
            requires=tuple(value["requires"]),
            needed=frozenset(value["needed"]),
            provided=frozenset(value["provided"]),
            askers=tuple((library, file) for library, file in value["askers"]),
            size=int(value["size"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    texts = (*contents.requires, *contents.needed, *contents.provided, *(t for pair in contents.askers for t in pair))
    return contents if contents.size >= 0 and all(isinstance(text, str) for text in texts) else None
