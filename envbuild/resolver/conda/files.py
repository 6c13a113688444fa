"""What is inside the files of conda packages, by their own list of paths: nothing is unpacked, nothing is run."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ...errors import CorruptBlobError, IntegrityError
from ...model.requirement import canonical_name
from ...oci.disk import storage_errors
from ...oci.soundness import sound_file
from ...oci.store import Store
from ...patterns import pattern
from ..types import WheelContents
from .laying import check_together, laid_by
from .types import CondaPackage

# `numpy-1.26.4.dist-info/METADATA`, `foo-1.0-py3.11.egg-info`: who is installed, as pip tells it.
_INFO = pattern(
    r"(?:.*/)?site-packages/(?P<name>[A-Za-z0-9][\w.]*)-(?P<version>\d[\w.+!]*)(?:-py\d[\d.]*)?"
    r"\.(?:dist-info/METADATA|egg-info(?:/PKG-INFO)?)",
    re.ASCII,
)


@contextmanager
def by_name(store: Store, packages: Iterable[CondaPackage]) -> Iterator[dict[str, Path]]:
    """The packages' files under their real names, by package name: rattler goes by the name of a file.

    Raises CorruptBlobError for one that is missing or damaged: rattler would take what it can read of it.
    """
    with store.temporary() as folder:
        found: dict[str, Path] = {}
        for package in packages:
            path = folder / package.filename
            digest = f"sha256:{package.sha256}"
            blob = sound_file(store, digest)
            if blob is None:
                raise CorruptBlobError(digest)
            with storage_errors(path):
                os.symlink(os.path.abspath(blob), path)  # noqa: PTH211, PTH100
            found[package.name] = path
        yield found


def looked_into(
    packages: Sequence[CondaPackage], store: Store, subdir: str
) -> tuple[tuple[CondaPackage, ...], tuple[str, ...]]:
    """The packages, in `store`, with their sizes, the Python packages in them, and whether paths collide.

    And notes on what of them has no effect in an image for `subdir`. Raises IntegrityError where they cannot be laid
    down together without harm.
    """
    minor = minor_of(packages)
    with by_name(store, packages) as files:
        laid = {package.name: laid_by(package, files[package.name], minor) for package in packages}
        sizes = {name: path.stat().st_size for name, path in files.items()}
    for package in packages:
        said = laid[package.name].subdir
        if said not in (subdir, "noarch"):
            raise IntegrityError(
                f"{package.filename} says that it is for {said or 'no platform'}, and the image is for {subdir}",
                hint="tell whoever keeps the channel, or made the lock",
            )
    check_together(packages, laid, minor)
    paths = {name: each.paths for name, each in laid.items()}
    for package in packages:
        _remembered(package, paths[package.name], minor, store)
    owners = Counter(path for each in laid.values() for path in {*each.paths, *each.commands})
    whole = tuple(
        replace(
            package,
            # Of the file itself, as all that its layer holds: the address may say anything.
            subdir=laid[package.name].subdir,
            size=sizes[package.name],
            python=python_packages(paths[package.name]),
            mixed=any(owners[path] > 1 for path in (*paths[package.name], *laid[package.name].commands)),
        )
        for package in packages
    )
    return whole, _remarks(paths)


def _remarks(paths: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """What is to be said of scripts among the `paths` of each package: nothing of a package is run."""
    notes = []
    for name, listed in sorted(paths.items()):
        if any(path.startswith("etc/conda/activate.d/") and path.endswith(".sh") for path in listed):
            notes.append(f"conda's {name} has an activation script, which is not run: --env sets what it would set")
        if f"bin/.{name}-post-link.sh" in listed:
            notes.append(f"conda's {name} has a post-link script, which is not run")
    return tuple(notes)


def contents_of(packages: Sequence[CondaPackage], store: Store) -> dict[str, WheelContents]:
    """What conda packages hold that rules ask wheels for: modules, and the shared libraries that they provide.

    By the name of the Python package in each, else by its own. Remembered by file; a package that is neither known nor
    in `store` raises IntegrityError.
    """
    found: dict[str, WheelContents] = {}
    minor = minor_of(packages)
    unknown: list[CondaPackage] = []
    for package in packages:
        value = store.get_key(_key(package, minor)) or {}
        modules, libraries = value.get("modules"), value.get("libraries")
        if isinstance(modules, str) and isinstance(libraries, str):
            found |= _contents(package, frozenset(modules.split()), frozenset(libraries.split()))
        else:
            unknown.append(package)
    with by_name(store, unknown) as files:
        for package in unknown:
            paths = laid_by(package, files[package.name], minor).paths
            found |= _remembered(package, paths, minor, store)
    return found


def _remembered(package: CondaPackage, paths: Sequence[str], minor: str, store: Store) -> dict[str, WheelContents]:
    modules, libraries = modules_of(paths, minor), libraries_of(paths)
    value = {"modules": " ".join(sorted(modules)), "libraries": " ".join(sorted(libraries))}
    store.put_key(_key(package, minor), value)
    return _contents(package, modules, libraries)


def _key(package: CondaPackage, minor: str) -> str:
    return f"conda-contents:1:{minor}:sha256:{package.sha256}"


def _contents(package: CondaPackage, modules: frozenset[str], libraries: frozenset[str]) -> dict[str, WheelContents]:
    name, version = next(iter(package.python), (package.name, package.version))
    return {name: WheelContents(name=name, version=version, modules=modules, provided=libraries, size=package.size)}


def python_packages(paths: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Name and version of each Python package whose metadata is among `paths`, sorted."""
    found = (_INFO.fullmatch(path) for path in paths)
    return tuple(sorted({(canonical_name(match["name"]), match["version"]) for match in found if match}))


def minor_of(packages: Iterable[CondaPackage]) -> str:
    """`3.11`, of the python among the packages. Raises IntegrityError where there is none."""
    for package in packages:
        if package.name == "python":
            return ".".join(package.version.split(".")[:2])
    raise IntegrityError("there is no python among the conda packages", hint="add python to conda.yaml")


def modules_of(paths: Iterable[str], minor: str) -> frozenset[str]:
    """The modules that `paths` below the prefix hold, dotted."""
    site = f"lib/python{minor}/site-packages/"
    found = set()
    for path in paths:
        if not path.startswith(site):
            continue
        inside = path.removeprefix(site)
        name = re.fullmatch(r"(?P<stem>(?:[A-Za-z_]\w*/)*[A-Za-z_]\w*)(?:\.[\w-]+)*\.(?:py|so)", inside)
        if name:
            found.add(name["stem"].removesuffix("/__init__").replace("/", "."))
    return frozenset(found)


def libraries_of(paths: Iterable[str]) -> frozenset[str]:
    """The shared libraries right below lib/, where the loader of an environment's Python looks."""
    inside = (path.removeprefix("lib/") for path in paths if path.startswith("lib/"))
    return frozenset(name for name in inside if "/" not in name and re.search(r"\.so(\.\d+)*$", name))
