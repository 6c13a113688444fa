"""What has to be held back beside some packages, though they do not say so themselves.

Two upheavals are known by table: numpy 2 changed its binary interface, and setuptools 82 dropped `pkg_resources`.
Packages of the time before name no upper bound, so a resolution of today puts the new one beside them, and the image
does not start. The resolution adds what the guards say, softly; the rules use them too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..facts import load_json
from ..oci.canonical import digest_of
from ..patterns import pattern

NUMPY = "numpy<2"
SETUPTOOLS = "setuptools<82"

_RELEASE = pattern(r"\s*v?(?:\d+!)?(\d+(?:\.\d+)*)(?:\.?post(\d+))?")


def numpy_guard(name: str, version: str) -> bool:
    """Whether this version of the package (canonical name) was built for numpy 1 and fails beside numpy 2."""
    row = load_json("numpy2_floors.json")["packages"].get(name)
    return row is not None and is_before(version, row["ready"])


def setuptools_guard(name: str, version: str) -> bool:
    """Whether this version of the package (canonical name) imports `pkg_resources`."""
    rows: Sequence[Mapping[str, Any]] = load_json("pkg_resources.json")["packages"]
    return any(row["name"] == name and is_before(version, row["below"]) for row in rows)


def broken_by_numpy_2(packages: Mapping[str, str]) -> list[str]:
    """The packages, of versions by canonical name, beside which numpy must be older than 2; sorted."""
    return sorted(name for name, version in packages.items() if numpy_guard(name, version))


def importers_of_pkg_resources(packages: Mapping[str, str]) -> list[str]:
    """The packages, of versions by canonical name, that import `pkg_resources`; sorted."""
    return sorted(name for name, version in packages.items() if setuptools_guard(name, version))


def revision() -> str:
    """What the guards know, as a digest: with other tables the same requirements may be resolved otherwise."""
    return digest_of([load_json("numpy2_floors.json")["packages"], load_json("pkg_resources.json")["packages"]])


def is_before(version: str, bound: str) -> bool:
    """Whether `version` is older than `bound`. Pre-releases count as their release; no version is older than nothing.

    Arithmetic on the numbers alone, for a table must not need a library.
    """
    one, other = _key(version), _key(bound)
    return one is not None and other is not None and one < other


def _key(version: str) -> tuple[tuple[int, ...], int] | None:
    found = _RELEASE.match(version)
    if found is None:
        return None
    numbers = [int(part[:18]) for part in found[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers), int(found[2] or 0)
