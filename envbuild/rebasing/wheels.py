"""What the wheels of an image ask of a base, where that is known without its layers: here, or beside the image.

Whoever built the image, or built another with the same wheels, has read them; a push leaves that beside the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..linter.wheel_tags import platform_tags
from ..oci.store import Store
from ..resolver.contents import from_json, machine_of, recall_contents, wheel_key
from ..resolver.handing import told_contents
from ..resolver.types import Lock, LockedPackage, WheelContents
from .types import Needs, Recorded

if TYPE_CHECKING:
    from ..attesting.opened import Opened
    from ..oci.remote import RemoteImage


def wheels_needs(
    recorded: Recorded, opened: Opened, source: RemoteImage | None, store: Store, *, insecure: bool
) -> Needs | None:
    """What all wheels that the image records ask for; None where that is not known of each, or not told by its name.

    `source` is where the image lies in a registry, which `insecure` lets speak plain http.
    """
    lock = _lock(recorded.value.get("lock"))
    if lock is None or any(_is_of_nobody_knows_which_glibc(package) for package in lock.packages):
        return None
    contents = _known(lock, store)
    if len(contents) < len(lock.packages) and source is not None:
        # Whoever made the image wrote that too: it is about this image, and stays out of the store.
        record = _beside(opened, source, insecure=insecure)
        contents = {**(told_contents(record, lock) if record is not None else {}), **contents}
    if len(contents) != len(lock.packages):
        return None
    needed: dict[str, str] = {}
    for wheel in contents.values():
        needed |= {**dict.fromkeys(wheel.needed, wheel.name), **dict(wheel.askers)}
    glibc, asker = max(((_glibc(package, lock), package.filename) for package in lock.packages), default=(0, ""))
    return Needs(
        needed=needed,
        provided=frozenset().union(*(wheel.provided for wheel in contents.values())),
        glibc=glibc,
        glibc_asker=asker if glibc else "",
        packages=frozenset(contents),
    )


def _known(lock: Lock, store: Store) -> dict[str, WheelContents]:
    """What was read from wheels of the lock on this machine, by package."""
    whole = recall_contents(lock, store)
    if whole is not None:
        return whole
    found = {package.name: from_json(package, store.get_key(wheel_key(package, lock))) for package in lock.packages}
    return {name: one for name, one in found.items() if one is not None}


def _beside(opened: Opened, source: RemoteImage, *, insecure: bool) -> Mapping[str, Any] | None:
    """What was pushed beside the image of what its wheels hold."""
    from ..shipping.recall import PACKAGES, Recalled, recall_packages

    recalled = Recalled(image=source, packages=opened.annotations.get(PACKAGES, ""))
    return recall_packages(recalled, insecure=frozenset({source.domain} if insecure else ()))


def _lock(value: Any) -> Lock | None:
    """The lock of a record; None for anything else."""
    try:
        return Lock(
            packages=tuple(
                LockedPackage(name=str(name), version=str(version), filename=str(filename), sha256=str(sha256), size=0)
                for name, version, filename, sha256 in value["packages"]
            ),
            python=str(value["python"]),
            platform=str(value["platform"]),
            requirements=(),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _is_of_nobody_knows_which_glibc(package: LockedPackage) -> bool:
    """Whether the file name leaves open which glibc it takes: a wheel that was built on somebody's own machine."""
    systems = {tag.system for tag in platform_tags(package.filename)}
    return not systems or ("linux" in systems and "any" not in systems)


def _glibc(package: LockedPackage, lock: Lock) -> int:
    """The minor version of the oldest glibc that one of the tags stands for, 0 for none."""
    tags = platform_tags(package.filename)
    if any(tag.system == "any" for tag in tags):
        return 0
    machine = machine_of(lock)
    return min((tag.glibc for tag in tags if tag.system == "glibc" and tag.machine == machine), default=0)
