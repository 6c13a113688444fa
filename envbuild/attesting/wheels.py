"""Python packages as components: from the locked wheels, or from what an image's files say is installed."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..oci.store import Store
from ..patterns import pattern
from ..resolver.types import Lock, LockedPackage
from . import purl
from .keeping import from_json, to_json
from .licenses import of_metadata
from .sboms import LARGEST, read_sbom
from .sources import references
from .types import Component

# The revision of what is found out about a wheel.
_REVISION = 1
_LARGEST_METADATA = 16 << 20
_MOST_SBOMS = 16
_INFO = pattern(r"(?P<place>.*?)(?P<name>[^/]+)\.dist-info/(?P<file>METADATA|sboms/.+)\Z")

Fetch = Callable[[Sequence[str]], None]


def locked_packages(lock: Lock, store: Store, fetch: Fetch) -> tuple[Component, ...]:
    """The packages of `lock`, by name. `fetch` brings wheels with the given sha256 (hex) into the store.

    Only a wheel that was never read is asked for. Raises CorruptBlobError for a damaged one.
    """
    known = {package.name: _recall(package, store) for package in lock.packages}
    lacking = [package for package in lock.packages if known[package.name] is None]
    absent = [package.sha256 for package in lacking if not store.has(f"sha256:{package.sha256}")]
    if absent:
        fetch(absent)
    for package in lacking:
        for _ in store.stream(f"sha256:{package.sha256}"):  # a damaged wheel would be remembered as one without license
            pass
        made = _of_wheel(package, store.blob(f"sha256:{package.sha256}"))
        store.put_key(_key(package), {"component": to_json(made)})
        known[package.name] = made
    # What is remembered of a wheel is that of its bytes alone, whatever they were built from.
    return tuple(
        replace(found, references=references(p), commit=p.source.commit if p.source else "")
        for p in lock.packages
        if (found := known[p.name]) is not None
    )


def is_metadata(path: str) -> bool:
    """Whether a file of an image says something of an installed package."""
    return ".dist-info/" in path and _INFO.match(path) is not None


def installed_packages(texts: Mapping[str, bytes]) -> tuple[Component, ...]:
    """The packages that the files of an image say are installed, given by path; by name, and by place."""
    grouped: dict[str, dict[str, bytes]] = {}
    for path, data in texts.items():
        if match := _INFO.match(path):
            grouped.setdefault(f"{match['place']}{match['name']}", {})[match["file"]] = data
    found = []
    for folder, files in grouped.items():
        headers = headers_of(files.get("METADATA", b""))
        said = dict(reversed(headers))
        if said.get("name") and said.get("version"):
            name = purl.normalised(said["name"])
            found.append(_component(name, said["version"], headers, _sboms(files), folder=folder))
    return tuple(sorted(found, key=lambda one: (one.purl, one.properties)))


def headers_of(metadata: bytes) -> list[tuple[str, str]]:
    """The headers of a METADATA file as pairs of a lower-case name and a value, continued lines joined."""
    found: list[tuple[str, str]] = []
    for line in metadata.decode("utf-8", "replace").splitlines():
        if not line:
            break
        if line[0] in " \t" and found:
            name, value = found[-1]
            found[-1] = name, f"{value}\n{line.strip()}"
        elif ":" in line:
            name, _, value = line.partition(":")
            found.append((name.strip().lower(), value.strip()))
    return found


def _of_wheel(package: LockedPackage, path: Path) -> Component:
    """A locked package with what its wheel says of itself; a wheel that cannot be read says nothing."""
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            named = {
                match["file"]: item
                for item in archive.infolist()
                if (match := _INFO.match(item.filename)) and not match["place"] and not item.is_dir()
            }
            files = dict.fromkeys(named, b"")  # those beyond the number are counted, and not read
            for file in ("METADATA", *_sbom_names(named)[:_MOST_SBOMS]):
                with archive.open(named[file]) as member:
                    files[file] = member.read(max(LARGEST, _LARGEST_METADATA) + 1)
    except (KeyError, OSError, zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, EOFError, RuntimeError):
        files = {}
    headers = headers_of(files.get("METADATA", b"")[:_LARGEST_METADATA])
    return _component(package.name, package.version, headers, _sboms(files), package=package)


def _sbom_names(files: Iterable[str]) -> list[str]:
    return sorted(name for name in files if name.startswith("sboms/"))


def _sboms(files: Mapping[str, bytes]) -> tuple[list[tuple[str, tuple[Component, ...] | None]], int]:
    """Each SBOM's name and what it names, None where nobody here can read it; and how many more there are."""
    names = _sbom_names(files)
    return [(name, read_sbom(files[name])) for name in names[:_MOST_SBOMS]], len(names[_MOST_SBOMS:])


def _component(
    name: str,
    version: str,
    headers: Sequence[tuple[str, str]],
    sboms: tuple[list[tuple[str, tuple[Component, ...] | None]], int],
    *,
    package: LockedPackage | None = None,
    folder: str = "",
) -> Component:
    parts: list[Component] = []
    properties = (
        [("dev.envbuild:wheel", package.filename)] if package else [("dev.envbuild:path", f"/{folder}.dist-info")]
    )
    known, more = sboms
    if more:
        properties.append(("dev.envbuild:unread-sboms", str(more)))
    for file, found in known:
        if found is None:
            properties.append(("dev.envbuild:unread-sbom", file))
        # Tools that put libraries into a wheel name the wheel itself among them.
        parts += [part for part in found or () if not purl.same_package(part.purl, purl.pypi(name, version))]
    return Component(
        kind="library",
        name=name,
        version=version,
        purl=purl.pypi(name, version),
        hashes=(("SHA-256", package.sha256),) if package else (),
        licenses=of_metadata(headers),
        properties=tuple(properties),
        parts=tuple(dict.fromkeys(parts)),
    )


def _key(package: LockedPackage) -> str:
    return f"wheel-component:{_REVISION}:{package.name}:{package.version}:{package.filename}:sha256:{package.sha256}"


def _recall(package: LockedPackage, store: Store) -> Component | None:
    try:
        return from_json((store.get_key(_key(package)) or {})["component"])
    except (KeyError, TypeError, ValueError):
        return None
