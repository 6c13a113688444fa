"""What a package was built from, as documents name it: an archive or a commit by its hash, and no address of an index.

A repository is named where its address means the same to everybody: none of this machine, none of a private network.
"""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import quote, urlsplit

from ..model.redact import redact
from ..resolver.indexes import without_credentials
from ..resolver.types import LockedPackage, Source
from . import purl
from .types import Reference

# Names that no public server has, by their last part.
_PRIVATE = frozenset(
    (
        *("arpa", "corp", "home", "intern", "internal", "intranet", "invalid"),
        *("lan", "local", "localdomain", "localhost", "localnet", "private", "test"),
    )
)


def references(package: LockedPackage) -> tuple[Reference, ...]:
    """Where its source is, empty for a package that was published as a wheel."""
    source = package.source
    if source is None:
        return ()
    if source.sha256:
        return (Reference(kind="source-distribution", url=_archive(package), hashes=(("SHA-256", source.sha256),)),)
    uri = repository(source)
    return (Reference(kind="vcs", url=uri),) if uri else ()


def dependency(package: LockedPackage) -> dict[str, Any] | None:
    """Its source as SLSA's resource descriptor, None for a package that was published as a wheel."""
    source = package.source
    if source is None:
        return None
    if source.sha256:
        return {"uri": _archive(package), "name": source.filename, "digest": {"sha256": source.sha256}}
    uri = repository(source)
    found = {"name": f"{package.name}, a git repository", "digest": {"gitCommit": source.commit}}
    return {"uri": uri, **found} if uri else found


def repository(source: Source) -> str:
    """`git+https://example.org/alpha.git@COMMIT#subdirectory=python`; empty where the address is nobody else's."""
    url = redact(without_credentials(source.url))
    if not _is_public(url):
        return ""
    part = f"#subdirectory={quote(source.subdirectory)}" if source.subdirectory else ""
    return f"git+{quote(url, safe=':/@[]%')}@{source.commit}{part}"


def _archive(package: LockedPackage) -> str:
    source = package.source
    return purl.pypi(package.name, package.version, filename=source.filename if source else "")


def _is_public(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        rest, _, last = host.rstrip(".").rpartition(".")
        # The C library takes 127.1 and 0x7f.0x1 for addresses too, and no public name ends so.
        return bool(rest) and not last[:1].isdigit() and last not in _PRIVATE
