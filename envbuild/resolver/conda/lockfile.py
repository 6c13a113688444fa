"""conda-lock.yml, by conda-lock's own models: this file alone knows them, for they are no stable interface.

What is written is a lock of one platform in the format's version 1, which conda-lock, mamba and micromamba install:
conda packages with url, md5 and sha256, and the wheels as pip entries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ...errors import ResolveError
from ...model.requirement import canonical_name
from ...oci.canonical import digest_of
from ...oci.disk import storage_errors
from ...oci.store import Store
from ...records import dataclass
from ..indexes import without_credentials
from ..types import Lock, LockedPackage
from .extras import extras, without_its_command
from .types import CondaAsk, CondaPackage

if TYPE_CHECKING:
    from conda_lock.lockfile.v2prelim.models import LockedDependency, Lockfile
    from rattler import RepoDataRecord

_PLATFORMS = {"x86_64": "linux-64", "aarch64": "linux-aarch64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaLock:
    """What a conda-lock.yml names for one platform: files of channels, and pip's, both sorted by name."""

    subdir: str
    conda: tuple[CondaPackage, ...] = ()
    pip: tuple[LockedPackage, ...] = ()


def text_of(lock: Lock, store: Store) -> bytes:
    """`lock` as a conda-lock.yml; no time and no credentials in it.

    `store` has the packages' files: where a channel names no md5, which the format wants, it is taken of them. Raises
    ResolveError where conda-lock is not installed, StorageError.
    """
    with extras("writing conda-lock.yml"), without_its_command("conda_lock"):
        from conda_lock.lockfile import write_conda_lock_file

    with store.temporary() as folder, storage_errors(folder):
        path = folder / "conda-lock.yml"
        write_conda_lock_file(_model(lock, store), path, metadata_choices=set(), include_help_text=False)
        return path.read_bytes()


def read_conda_lock(path: Path, subdir: str) -> CondaLock:
    """The packages that the conda-lock.yml at `path` names for `subdir` (`linux-64`).

    Raises ResolveError for a file that is none, that has nothing for that platform, or names no sha256 hash for one.
    """
    lockfile = _parsed(path)
    here = [entry for entry in lockfile.package if entry.platform == subdir and "main" in entry.categories]
    if not here:
        has = ", ".join(sorted({entry.platform for entry in lockfile.package})) or "none"
        raise ResolveError(
            f"{path} locks no packages for {subdir}; it has: {has}",
            hint=f"lock it for this platform too: conda-lock lock --platform {subdir}",
        )
    for entry in here:
        if not entry.hash.sha256:
            raise ResolveError(
                f"{path} names no sha256 hash for {entry.name}",
                hint="an md5 hash alone says nothing of who made a file: lock it anew",
            )
    return CondaLock(
        subdir=subdir,
        conda=tuple(sorted((_conda(entry) for entry in here if entry.manager == "conda"), key=lambda p: p.name)),
        pip=tuple(sorted((_pip(entry) for entry in here if entry.manager == "pip"), key=lambda p: p.name)),
    )


def check_against(ask: CondaAsk, packages: Sequence[CondaPackage], store: Store) -> None:
    """Raise ResolveError unless `packages`, which a lock has chosen and `store` has, are what `ask` asks for."""
    import asyncio

    from .files import by_name
    from .specs import match_specs

    # The channel is the lock's to choose, and the file says nothing of it.
    specs = [replace(spec, text=spec.text.rpartition("::")[2]) for spec in ask.specs]
    wanted = {spec.name: (spec, match) for spec, match in zip(specs, match_specs(specs), strict=True)}
    locked = {package.name: package for package in packages}
    with by_name(store, [locked[name] for name in wanted if name in locked]) as files:
        for name, (spec, match) in wanted.items():
            package = locked.get(name)
            has = f"has {package.version} {package.build}" if package else "has none"
            if package is None or not match.matches(asyncio.run(_record(files[name]))):
                raise ResolveError(
                    f"{ask.lock} does not fit conda.yaml: {spec.where} asks for {spec.text}, and the lock {has}",
                    hint="lock it anew, or take the lock out of the model's folder",
                )


async def _record(path: Path) -> RepoDataRecord:
    from rattler import RepoDataRecord

    return await RepoDataRecord.from_package_archive(path)


def explicit(path: Path, subdir: str) -> tuple[str, ...]:
    """The lines of conda's explicit list of what the conda-lock.yml at `path` names for `subdir`."""
    with extras("rendering conda-lock.yml"):
        from conda_lock.conda_lock import render_lockfile_for_platform

    lines = render_lockfile_for_platform(
        lockfile=_parsed(path),
        include_dev_dependencies=False,
        extras=None,
        kind="explicit",
        platform=subdir,
        suppress_warning_for_pip_and_explicit=True,
    )
    return tuple(lines)


def pip_pins(path: Path, subdir: str) -> list[tuple[str, str]]:
    """Name and version of each pip entry for `subdir`, sorted; of a file that was read before."""
    import yaml

    try:
        document = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        rows = [row for row in document["package"] if row["manager"] == "pip" and row["platform"] == subdir]
        return sorted({(canonical_name(str(row["name"])), str(row["version"])) for row in rows})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
        raise ResolveError(f"{path} is no conda-lock.yml that can be read: {error}") from None


def _parsed(path: Path) -> Lockfile:
    with extras("reading conda-lock.yml"), without_its_command("conda_lock"):
        from conda_lock.lockfile import MissingLockfileVersion, UnknownLockfileVersion, parse_conda_lock_file

    import yaml

    try:
        return parse_conda_lock_file(path)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError, yaml.YAMLError) as error:
        known = isinstance(error, (MissingLockfileVersion, UnknownLockfileVersion))
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ResolveError(
            f"{path} is no conda-lock.yml that can be read: {reason}",
            hint="envbuild reads version 1" if known else "make it anew: conda-lock lock, or envbuild lock",
        ) from None


def _model(lock: Lock, store: Store) -> Lockfile:
    from conda_lock.lockfile.v1.models import LockMeta
    from conda_lock.lockfile.v2prelim.models import Lockfile
    from conda_lock.models.channel import Channel

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
        ),
    )


def subdir_of(lock: Lock) -> str:
    """Conda's name of the platform of a lock."""
    return next((name for machine, name in _PLATFORMS.items() if lock.platform.endswith(machine)), "linux-64")


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
        dependencies=_dependencies(package.depends),
        url=package.url,
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
        url=without_credentials(package.url),
        hash=HashModel(sha256=package.sha256),
        categories={"main"},
    )


def _dependencies(depends: Sequence[str]) -> dict[str, str]:
    """Match specs by name; of several for one name all count."""
    found: dict[str, list[str]] = {}
    for spec in depends:
        name, _, rest = spec.partition(" ")
        if not name.startswith("__"):
            found.setdefault(name, []).append(rest.strip())
    return {name: ",".join(filter(None, rests)) for name, rests in found.items()}


def _md5(store: Store, package: CondaPackage) -> str:
    hasher = hashlib.md5(usedforsecurity=False)
    for chunk in store.stream(f"sha256:{package.sha256}"):
        hasher.update(chunk)
    return hasher.hexdigest()


def _conda(entry: Any) -> CondaPackage:
    path = unquote(urlsplit(entry.url).path)
    filename = path.rpartition("/")[2]
    return CondaPackage(
        name=entry.name,
        version=entry.version,
        build=entry.build or filename.removesuffix(".conda").removesuffix(".tar.bz2").rpartition("-")[2],
        subdir=path.split("/")[-2] if path.count("/") else "",
        filename=filename,
        sha256=entry.hash.sha256,
        md5=entry.hash.md5 or "",
        size=0,
        url=without_credentials(entry.url),
        depends=tuple(f"{name} {spec}".strip() for name, spec in entry.dependencies.items()),
    )


def _pip(entry: Any) -> LockedPackage:
    return LockedPackage(
        name=entry.name,
        version=entry.version,
        filename=unquote(urlsplit(entry.url).path).rpartition("/")[2],
        sha256=entry.hash.sha256,
        size=0,
        url=without_credentials(entry.url),
    )
