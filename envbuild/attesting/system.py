"""Debian packages as components, as an image's own package database and copyright files name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..bases.index import parse_stanza
from ..bases.types import Base
from ..oci.store import Store
from ..patterns import pattern
from . import purl
from .files import Files, read_files
from .keeping import from_json, to_json
from .layers import in_store
from .licenses import of_copyright
from .types import Component

_REVISION = 1
_STATUS = pattern(r"var/lib/dpkg/status(\.d/[^/]+(?<!\.md5sums))?\Z")
_COPYRIGHT = pattern(r"usr/share/doc/[^/]+/copyright\Z")
_RELEASE = ("etc/os-release", "usr/lib/os-release")


def is_system_file(path: str) -> bool:
    """Whether a file of an image says something of its distribution."""
    if not path.startswith(("var/lib/dpkg/", "usr/share/doc/", "etc/os", "usr/lib/os")):
        return False
    return path in _RELEASE or bool(_STATUS.match(path) or _COPYRIGHT.match(path))


def base_packages(base: Base, store: Store) -> tuple[Component, ...]:
    """The operating system of a base and its packages, by name; those of an assembled one with their .debs' hashes.

    Read once from its layers, then remembered. Raises BaseImageError, CorruptBlobError.
    """
    key = f"system-components:{_REVISION}:" + ",".join(layer.diff_id for layer in base.layers)
    found = _recall(store, key)
    if found is None:
        files = read_files(in_store(store), base.layers, keep=is_system_file, hashed=lambda _: False)
        found = system_components(files)
        store.put_key(key, {"components": [to_json(component) for component in found]})
    sums = {package.name: package.sha256 for package in base.packages if package.sha256}
    return tuple(_with_hash(component, sums) for component in found)


def system_components(files: Files) -> tuple[Component, ...]:
    """What the files of an image say: its operating system, then its packages by name."""
    release = _release(files)
    vendor, version = release.get("ID", ""), release.get("VERSION_ID", "")
    distribution = f"{vendor}-{version}" if vendor and version else vendor
    found: dict[tuple[str, str], Component] = {}
    for path, data in sorted(files.texts.items()):
        if not _STATUS.match(path):
            continue
        for stanza in data.decode("utf-8", "replace").split("\n\n"):
            fields = parse_stanza(stanza)
            name, has = fields.get("package", ""), fields.get("version", "")
            if name and has and fields.get("status", "install ok installed").endswith(" installed"):
                found[name, fields.get("architecture", "")] = Component(
                    kind="library",
                    name=name,
                    version=has,
                    purl=purl.deb(
                        name,
                        has,
                        vendor=vendor or "debian",
                        architecture=fields.get("architecture", ""),
                        distribution=distribution,
                    ),
                    licenses=of_copyright(files.text(f"usr/share/doc/{name}/copyright")),
                )
    packages = tuple(found[key] for key in sorted(found))
    return (Component(kind="operating-system", name=vendor, version=version), *packages) if vendor else packages


def _release(files: Files) -> Mapping[str, str]:
    """os-release: `NAME="value"` lines."""
    text = next(filter(None, map(files.text, _RELEASE)), "")
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def _with_hash(component: Component, sums: Mapping[str, str]) -> Component:
    sha256 = sums.get(component.name, "") if component.purl else ""
    return replace(component, hashes=(("SHA-256", sha256),)) if sha256 else component


def _recall(store: Store, key: str) -> tuple[Component, ...] | None:
    try:
        return tuple(from_json(value) for value in (store.get_key(key) or {})["components"])
    except (KeyError, TypeError, ValueError):
        return None
