"""From verified indexes to a lock: the newest version of every package that a base needs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cmp_to_key

from ..errors import BaseImageError, IntegrityError, NetworkError, UsageError
from .download import Downloader, GoneError
from .index import Index, Stanza, read_index
from .lock import BaseLock, LockedIndex, LockedPackage
from .mirrors import VARIABLE, without_credentials
from .release import Release, verify_release
from .suites import Archive, Suite, excluded, roots

# An InRelease is some 150 kB.
_RELEASE_LIMIT = 16 << 20


def resolve_lock(
    suite: Suite,
    architecture: str,
    downloader: Downloader,
    *,
    keyring: bytes,
    now: datetime,
    not_before: BaseLock | None = None,
    apt: Sequence[str] = (),
) -> BaseLock:
    """Read the suite's indexes from a mirror and lock the newest version of every package over all of them.

    `apt` are packages beyond the base's own; they come with what they depend on. An index that is older than the one
    `not_before` was locked from is refused: a mirror that lags behind, or that is made to, would take security updates
    back. Raises NetworkError, IntegrityError, BaseImageError; UsageError for a name in `apt` that the suite has not.
    """
    indexes: list[Index] = []
    dates: list[LockedIndex] = []
    for archive, name in suite.indexes:
        release = _read_release(downloader, archive, name, keyring=keyring, now=now)
        for old in not_before.indexes if not_before else ():
            if (old.archive, old.suite) == (archive, name) and release.stamp < old.date:
                raise IntegrityError(
                    f"the mirror's index of {name} is of {release.stamp}, older than the known one of {old.date}",
                    hint=f"the mirror lags behind; name another one with {VARIABLE}",
                )
        indexes.append(_read_packages(downloader, archive, name, architecture, release))
        dates.append(LockedIndex(archive=archive, suite=name, date=release.stamp))
    own = closure(roots(suite), indexes)
    check_names(suite, apt, indexes)
    chosen = closure(apt, indexes, having=own)
    before = {stanza.name for stanza in own}
    return BaseLock(
        suite=suite.codename,
        architecture=architecture,
        indexes=tuple(dates),
        packages=tuple(_locked(stanza) for stanza in sorted(chosen, key=lambda stanza: stanza.name)),
        apt=tuple(sorted(set(apt))),
        added=tuple(sorted(stanza.name for stanza in chosen if stanza.name not in before)),
    )


def closure(names: Sequence[str], indexes: Sequence[Index], *, having: Sequence[Stanza] = ()) -> list[Stanza]:
    """`having`, and `names` with all they depend on, each in its newest version over all indexes.

    Of alternatives the first that exists is taken; beyond `having`, what a chosen package provides counts as chosen.
    Raises BaseImageError for a package that nobody has.
    """
    chosen = {stanza.name: stanza for stanza in having}
    provided = {name for stanza in having for name in stanza.provides}
    named = frozenset(names) if having else frozenset()

    def passed_over(name: str) -> bool:
        return name not in named and excluded(name, added=bool(having))

    pending = [([name], "the base") for name in names]
    while pending:
        alternatives, wanted_by = pending.pop(0)
        if any(passed_over(name) or name in chosen for name in alternatives):
            continue
        if having and not provided.isdisjoint(alternatives):
            continue
        stanza = _first(alternatives, indexes)
        if stanza is None:
            raise BaseImageError(
                f"no index has {' or '.join(alternatives)}, which {wanted_by} needs",
                hint="the mirror may lack a part of the archive; name another one with " + VARIABLE,
            )
        if stanza.name in chosen or passed_over(stanza.name):
            continue
        chosen[stanza.name] = stanza
        provided |= stanza.provides
        for field in ("pre-depends", "depends"):
            for group in stanza.fields.get(field, "").split(","):
                wanted = [_package_name(part) for part in group.split("|") if part.strip()]
                if wanted:
                    pending.append((wanted, stanza.name))
    return list(chosen.values())


def check_names(suite: Suite, names: Sequence[str], indexes: Sequence[Index]) -> None:
    """Raises UsageError for the first of `names` that is no package of `suite`, with names that are near it."""
    for name in names:
        if any(index.find(name) or index.providers(name) for index in indexes):
            continue
        near = _near(name, indexes)
        raise UsageError(
            f"--apt {name}: {suite.name} has no package of this name",
            hint=(f"did you mean {' or '.join(near)}? " if near else "")
            + "Debian's package search finds packages and files",
        )


def _near(name: str, indexes: Sequence[Index]) -> list[str]:
    """Up to three packages with a name like `name`. Only those that begin alike are compared: there are 60,000."""
    from difflib import get_close_matches

    start = name.lower()[:3]
    found = {candidate for index in indexes for candidate in index.names(start)}
    longer = sorted(candidate for candidate in found if candidate.startswith(name.lower()))
    return longer[:3] or get_close_matches(name.lower(), sorted(found), n=3, cutoff=0.7)


def _first(alternatives: Sequence[str], indexes: Sequence[Index]) -> Stanza | None:
    for find in (Index.find, Index.providers):
        for name in alternatives:
            found = [stanza for index in indexes for stanza in find(index, name)]
            if found:
                return newest(found)
    return None


def newest(stanzas: Sequence[Stanza]) -> Stanza:
    """The one with the highest version as Debian compares them; of equals the first by name."""
    from debian.debian_support import version_compare

    def order(left: Stanza, right: Stanza) -> int:
        return version_compare(left.version, right.version)

    return max(sorted(stanzas, key=lambda stanza: stanza.name), key=cmp_to_key(order))


def _package_name(text: str) -> str:
    """`libc6` of `libc6:any (>= 2.36) [amd64] <!nocheck>`."""
    return text.strip().split(" ")[0].split("(")[0].split(":")[0]


def _locked(stanza: Stanza) -> LockedPackage:
    fields = stanza.fields
    path = fields.get("filename", "")
    sha256 = fields.get("sha256", "").lower()
    size = fields.get("size", "")
    bad_path = not path.startswith("pool/") or ".." in path.split("/")
    if bad_path or len(sha256) != 64 or not size.isdecimal():
        raise IntegrityError(f"the index entry of {stanza.name} {stanza.version} lacks a path, a SHA256 or a size")
    return LockedPackage(
        name=stanza.name,
        version=stanza.version,
        archive=stanza.archive,
        suite=stanza.suite,
        path=path,
        sha256=sha256,
        size=int(size),
    )


def _read_release(downloader: Downloader, archive: Archive, suite: str, *, keyring: bytes, now: datetime) -> Release:
    path = f"dists/{suite}/InRelease"
    try:
        data = downloader.read(archive, path, limit=_RELEASE_LIMIT)
    except GoneError as error:
        raise NetworkError(
            error.message,
            hint=f"{downloader.mirrors.source} names no mirror of the {archive} archive with {suite}; name one "
            f"with {VARIABLE}",
        ) from None
    where = f"{without_credentials(downloader.mirrors.of(archive)[0])}/{path}"
    return verify_release(data, keyring, codename=suite, now=now, where=where)


def _read_packages(downloader: Downloader, archive: Archive, suite: str, architecture: str, release: Release) -> Index:
    name = f"main/binary-{architecture}/Packages.xz"
    if name not in release.files:
        raise BaseImageError(
            f"{suite} has no packages for {architecture}", hint="choose another --platform or another --base"
        )
    sha256, size = release.files[name]
    # By hash first: the plain name changes under a reader while the mirror is being updated.
    hashed = f"dists/{suite}/main/binary-{architecture}/by-hash/SHA256/{sha256}"
    paths = [hashed] * release.by_hash + [f"dists/{suite}/{name}"]
    for path in paths:
        try:
            data = downloader.read(archive, path, limit=size)
        except GoneError as error:
            gone = error
            continue
        where = f"{without_credentials(downloader.mirrors.of(archive)[0])}/{path}"
        return read_index(data, sha256=sha256, size=size, archive=archive, suite=suite, where=where)
    raise NetworkError(gone.message, hint=f"the mirror is incomplete; name another one with {VARIABLE}")
