"""The lock as a requirements file that pip takes with --require-hashes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...errors import UsageError
from ...patterns import pattern
from ...resolver.torch import PACKAGES
from ...resolver.types import Lock, LockedPackage

_LINE = pattern(r"[!-~]+")  # printable, and no space
_DIRECT = pattern(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*@\s*(\S+)")


def requirements_text(packages: Sequence[LockedPackage], lock: Lock) -> str:
    """A line for each of `packages`: by version, or by address where it was asked for so. No index is named.

    UsageError: a name, a version or an address would not stay one word of its line.
    """
    asked = _addresses(lock)
    lines = ["# The locked packages: pip takes these files and no others."]
    for package in packages:
        address = asked.get(_canonical(package.name)) or _own_index(package)
        what = [package.name, "@", address] if address else [f"{package.name}=={package.version}"]
        for word in (*what, package.sha256):
            if not _LINE.fullmatch(word) or (word is not address and set(word) & set(";#\\$'\"")):
                raise UsageError(f"{package.name} {package.version} is locked to {word!r}, which pip would misread")
        lines.append(f"{' '.join(what)} --hash=sha256:{package.sha256}")
    return "\n".join(lines) + "\n"


def _addresses(lock: Lock) -> dict[str, str]:
    """Canonical name -> address, for what was asked for as `name @ address`."""
    found = {}
    for requirement in lock.requirements:
        match = _DIRECT.match(requirement)
        if match:
            # Its hash stands in a place of its own, and a fragment may name another kind.
            found[_canonical(match[1])] = match[2].partition("#")[0]
    return found


def _own_index(package: LockedPackage) -> str:
    """The address of a build of torch (`2.1.0+cpu`), which no package index has that pip is told of; else empty."""
    remote = package.url.startswith(("https://", "http://"))
    return package.url if remote and package.name in PACKAGES and "+" in package.version else ""


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
