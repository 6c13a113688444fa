"""Where conda packages are laid down, and what must not be: whoever lays them down follows every list and every link.

All packages go into one folder, so a link of one may lead the files of another out of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ...errors import EnvbuildError, IntegrityError
from ...records import dataclass
from .archive import check_listed, kinds_in
from .extras import extras
from .types import CondaPackage
from .waiting import finished

if TYPE_CHECKING:
    from rattler import RepoDataRecord

# What rattler keeps for itself in an environment.
_RESERVED = frozenset({"__clobbers__", "conda-meta"})
_BIN = "bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """What one package lays down below the prefix.

    `paths` are its files and links, `folders` folders of its own list, `commands` the scripts that are written for its
    entry points, each by its path, with what it calls. `home` is where a Python looks for packages, if it says so, and
    `subdir` the platform that the file itself says it is for.
    """

    paths: tuple[str, ...]
    folders: tuple[str, ...] = ()
    commands: Mapping[str, str]
    home: str = ""
    subdir: str = ""


def laid_by(package: CondaPackage, path: Path, minor: str) -> Laid:
    """What `package`, which lies at `path`, lays down for Python `minor`.

    Raises IntegrityError for what is no package, and for a path that is outside of the prefix or is rattler's own.
    """
    with extras("reading conda packages"):
        from rattler.package import PathsJson

    found: dict[bool, list[str]] = {True: [], False: []}
    with whole(package.filename, path):
        kinds = kinds_in(path)  # first: rattler reads all of a list or a header, however large it is
        entries = PathsJson.from_package_archive(path).paths
    for entry in entries:
        _check(package, str(entry.relative_path))
    with whole(package.filename, path):
        check_listed(kinds, [str(entry.relative_path) for entry in entries if entry.path_type.hardlink])
        record, commands = finished(lambda: _index(path))
    for entry in entries:
        name = str(entry.relative_path)
        found[entry.path_type.directory].append(_laid_down(name, minor) if record.noarch.python else name)
    name, version, build = record.name.normalized, str(record.version), str(record.build)
    if (name, version, build) != (package.name, package.version, package.build):
        raise IntegrityError(
            f"{package.filename} says that it is {name} {version} {build}, "
            f"and its channel calls it {package.name} {package.version} {package.build}",
            hint="tell whoever keeps the channel",
        )
    subdir = record.subdir or package.subdir
    if record.noarch.python and subdir != "noarch":
        # What it lays down is another for each Python, and its layer is known by the platform.
        raise IntegrityError(
            f"{package.filename} says that it is for any Python (noarch), and for {subdir} alone",
            hint="tell whoever keeps the channel",
        )
    home = record.python_site_packages_path or ""
    if home:
        _check(package, home)
    return Laid(
        paths=tuple(found[False]),
        folders=tuple(found[True]),
        commands=commands,
        home=home,
        subdir=subdir,
    )


@contextmanager
def whole(filename: str, path: Path | None = None) -> Iterator[None]:
    """Around reading the file of a package, which lies at `path`: IntegrityError where that is none."""
    try:
        yield
    except EnvbuildError:
        raise
    except Exception as error:
        said = str(error).replace(str(path), filename) if path else str(error)
        raise IntegrityError(
            f"{filename} is no whole conda package: {said}",
            hint="it has the hash that its channel names: tell whoever keeps the channel",
        ) from None


async def _index(path: Path) -> tuple[RepoDataRecord, dict[str, str]]:
    """What the file says of itself beside its list of paths: which package it is, and its entry points."""
    from rattler import RepoDataRecord
    from rattler.package_streaming import PackageArchive

    record = await RepoDataRecord.from_package_archive(path)
    data = await (await PackageArchive.from_path(path)).read_file("info/link.json")
    if data is None:
        return record, {}
    listed = json.loads(data).get("noarch", {}).get("entry_points") or []
    commands = {}
    for row in listed:
        name, _, called = str(row).partition("=")
        if not re.fullmatch(r"[^/\\\0]+", name.strip()) or name.strip() in (".", ".."):
            raise ValueError(f"{row!r} is no entry point")
        commands[f"{_BIN}/{name.strip()}"] = "".join(called.split())
    return record, commands


def _check(package: CondaPackage, name: str) -> None:
    """Raise IntegrityError for a path that leads out of the prefix, or into what rattler keeps there."""
    parts = name.rstrip("/").split("/")
    if not {"", ".", ".."}.isdisjoint(parts) or "\0" in name:
        raise IntegrityError(
            f"{package.filename} has a file outside of its prefix: {name!r}",
            hint="do not trust it: take another build, and tell whoever keeps the channel",
        )
    if parts[0] in _RESERVED:
        raise IntegrityError(
            f"{package.filename} has a file where only the list of packages may lie: {name!r}",
            hint="do not trust it: take another build, and tell whoever keeps the channel",
        )


def _laid_down(name: str, minor: str) -> str:
    """The path of a file below the prefix: packages for every Python have two folders that stand for others."""
    if name.startswith("site-packages/"):
        return f"lib/python{minor}/{name}"
    if name.startswith("python-scripts/"):
        return f"{_BIN}/" + name.removeprefix("python-scripts/")
    return name


def check_together(packages: Sequence[CondaPackage], laid: Mapping[str, Laid], minor: str) -> None:
    """Raise IntegrityError where the packages cannot lie in one folder, or would not each time in the same way.

    `laid` is by the name of a package. A path of one that is a folder for another may be a link to anywhere; and of a
    file and a script for an entry point at one path, or of two scripts, either may be written last.
    """
    homes = (f"lib/python{minor}/site-packages", *(each.home for each in laid.values() if each.home))
    folders = {parent for home in homes for parent in _with_parents(home)} | {_BIN, *_RESERVED}
    for each in laid.values():
        for path in (*each.paths, *each.commands):
            folders.update(map(str, PurePosixPath(path).parents))
        for path in each.folders:
            folders.update(_with_parents(path))
    files = {package.filename: laid[package.name] for package in packages}
    owners: dict[str, str] = {}
    called: dict[str, tuple[str, str]] = {}
    for filename, each in files.items():
        for path in (*each.paths, *each.commands):
            if path in folders:
                raise IntegrityError(
                    f"{filename} has {path!r}, which is a folder of other packages: where it is a link, their files "
                    "would go wherever it leads",
                    hint="do not trust it: take another build, and tell whoever keeps the channel",
                )
        owners.update(dict.fromkeys(each.paths, filename))
    for filename, each in files.items():
        for path, what in each.commands.items():
            before, wanted = called.setdefault(path, (filename, what))
            other = owners.get(path) or (before if wanted != what else "")
            if other:
                raise IntegrityError(
                    f"{other} and {filename} both lay down {path}, and nothing says which of the two counts",
                    hint="take one of the two packages out of conda.yaml, or ask for another version of it",
                )


def _with_parents(path: str) -> Iterable[str]:
    pure = PurePosixPath(path)
    return (str(pure), *map(str, pure.parents))
