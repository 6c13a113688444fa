"""conda-lock.yml, by conda-lock's own models: this file alone knows them, for they are no stable interface.

What is written is a lock of one platform in the format's version 1, which conda-lock, mamba and micromamba install:
conda packages with url, md5 and sha256, and the wheels as pip entries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import LockFileError, UsageError
from ...model.requirement import canonical_name
from ...oci.canonical import digest_of
from ...oci.disk import storage_errors
from ...oci.store import Store
from ...records import dataclass
from ..types import Lock, LockedPackage
from .addresses import public
from .depending import dependencies_of
from .extras import extras, without_its_command
from .lockrows import Row, conda_package, pip_package, rows_of
from .types import CondaPackage

if TYPE_CHECKING:
    from conda_lock.lockfile.v2prelim.models import LockedDependency, Lockfile

    from ..origin import Origin

_HINT = "lock it anew: conda-lock lock, or envbuild lock"
_PLATFORMS = {"x86_64": "linux-64", "aarch64": "linux-aarch64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaLock:
    """What a conda-lock.yml names for one platform: files of channels, and pip's, both sorted by name.

    `places` are the lines of the channels' files, by name: `conda-lock.yml:12`.
    """

    subdir: str
    conda: tuple[CondaPackage, ...] = ()
    pip: tuple[LockedPackage, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)


def text_of(lock: Lock, store: Store, origin: Origin | None = None) -> bytes:
    """`lock` as a conda-lock.yml, with what it was made for in `custom_metadata`; no time and no credentials in it.

    `store` has the packages' files: where a channel names no md5, which the format wants, it is taken of them. Raises
    UsageError for a package that was built from source, ResolveError where conda-lock is not installed, StorageError.
    """
    if built := [package.name for package in lock.packages if package.source is not None]:
        raise UsageError(
            f"a conda-lock.yml names wheels by their addresses, and {', '.join(built[:3])} "
            f"{'was' if len(built) == 1 else 'were'} built from source here",
            hint="ask for versions that have a wheel, or build the image without a lock",
        )
    with extras("writing conda-lock.yml"), without_its_command("conda_lock"):
        from conda_lock.lockfile import write_conda_lock_file

    with store.temporary() as folder, storage_errors(folder):
        path = folder / "conda-lock.yml"
        write_conda_lock_file(_model(lock, store, origin), path, metadata_choices=set(), include_help_text=False)
        return path.read_bytes()


def read_conda_lock(path: Path, subdir: str) -> CondaLock:
    """The packages that the conda-lock.yml at `path` names for `subdir` (`linux-64`), of those that are installed.

    Raises LockFileError for a file that is none, that has nothing for that platform, names a package twice or without
    a sha256 hash, or lacks what one of its packages depends on.
    """
    with extras("reading conda-lock.yml"), without_its_command("conda_lock"):
        from conda_lock.lockfile.v1.models import Lockfile as Form

    rows, whole = rows_of(path)
    try:
        Form.model_validate({key: value for key, value in whole.items() if key != "version"})
    except ValueError as error:
        said = " ".join(str(error).split()[:40])
        raise LockFileError(f"{path} is no conda-lock.yml that can be read: {said}", hint=_HINT) from None
    here = [row for row in rows if row.platform == subdir and row.main]
    if not here:
        has = ", ".join(sorted({row.platform for row in rows})) or "none"
        raise LockFileError(
            f"{path} locks no packages for {subdir}; it has: {has}",
            hint=f"lock it for this platform too: conda-lock lock --platform {subdir}",
        )
    seen: dict[tuple[str, str], Row] = {}
    for row in here:
        before = seen.setdefault((row.manager, canonical_name(row.name) if row.manager == "pip" else row.name), row)
        if before is not row:
            raise LockFileError(f"{row.place}: {row.name} is locked twice, at {before.place} too", hint=_HINT)
        if not row.sha256:
            raise LockFileError(
                f"{row.place}: {path.name} names no sha256 hash for {row.name}",
                hint="an md5 hash alone says nothing of who made a file: lock it anew",
            )
    conda = [conda_package(row, subdir) for row in sorted(here, key=lambda row: row.name) if row.manager == "conda"]
    return CondaLock(
        subdir=subdir,
        conda=tuple(conda),
        pip=tuple(pip_package(row) for row in sorted(here, key=lambda row: row.name) if row.manager == "pip"),
        places={row.name: row.place for row in here if row.manager == "conda"},
    )


def explicit(path: Path, subdir: str) -> tuple[str, ...]:
    """The lines of conda's explicit list of what the conda-lock.yml at `path` names for `subdir`."""
    with extras("rendering conda-lock.yml"):
        from conda_lock.conda_lock import render_lockfile_for_platform
        from conda_lock.lockfile import parse_conda_lock_file

    read_conda_lock(path, subdir)
    lines = render_lockfile_for_platform(
        lockfile=parse_conda_lock_file(path),
        include_dev_dependencies=False,
        extras=None,
        kind="explicit",
        platform=subdir,
        suppress_warning_for_pip_and_explicit=True,
    )
    return tuple(lines)


def _model(lock: Lock, store: Store, origin: Origin | None) -> Lockfile:
    from conda_lock.lockfile.v1.models import LockMeta
    from conda_lock.lockfile.v2prelim.models import Lockfile
    from conda_lock.models.channel import Channel

    from .madefor import metadata_of

    subdir = subdir_of(lock)
    channels = list(dict.fromkeys(_channel_of(package) for package in lock.conda))
    return Lockfile(
        package=[
            *(_conda_entry(package, subdir, store) for package in lock.conda),
            *(_pip_entry(package, subdir) for package in lock.packages),
        ],
        metadata=LockMeta(
            content_hash={subdir: digest_of([list(lock.requirements), lock.digest]).removeprefix("sha256:")},
            channels=[Channel.from_string(channel) for channel in channels],
            platforms=[subdir],
            sources=["conda.yaml"],
            custom_metadata=metadata_of(lock, origin) if origin is not None else None,
        ),
    )


def subdir_of(lock: Lock) -> str:
    """Conda's name of the platform of a lock."""
    return subdir_named(lock.platform)


def subdir_named(tag: str) -> str:
    """Conda's name of a platform of wheels: `linux-64` of `manylinux_2_36_x86_64`."""
    return next((name for machine, name in _PLATFORMS.items() if tag.endswith(machine)), "linux-64")


def _channel_of(package: CondaPackage) -> str:
    """The channel's address, from that of a file of it."""
    return package.url.rpartition("/")[0].rpartition("/")[0]


def _conda_entry(package: CondaPackage, subdir: str, store: Store) -> LockedDependency:
    from conda_lock.lockfile.v2prelim.models import HashModel, LockedDependency

    return LockedDependency(
        name=package.name,
        version=package.version,
        manager="conda",
        platform=subdir,
        dependencies=dependencies_of(package.depends),
        url=public(package.url),
        hash=HashModel(md5=package.md5 or _md5(store, package), sha256=package.sha256),
        build=package.build,
        categories={"main"},
    )


def _pip_entry(package: LockedPackage, subdir: str) -> LockedDependency:
    from conda_lock.lockfile.v2prelim.models import HashModel, LockedDependency

    return LockedDependency(
        name=package.name,
        version=package.version,
        manager="pip",
        platform=subdir,
        url=public(package.url),
        hash=HashModel(sha256=package.sha256),
        categories={"main"},
    )


def _md5(store: Store, package: CondaPackage) -> str:
    hasher = hashlib.md5(usedforsecurity=False)
    for chunk in store.stream(f"sha256:{package.sha256}"):
        hasher.update(chunk)
    return hasher.hexdigest()
