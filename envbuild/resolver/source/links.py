"""Links to git repositories among requirements: `name @ git+https://host/x.git@ref#subdirectory=part`."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from ...errors import ResolveError, UsageError
from ...model.markers import split_marker
from ...patterns import pattern
from ...records import dataclass

ALL = "all"
"""What `--allow-build` takes for every package."""

_SCHEMES = ("https", "http", "ssh", "file")
_NAMED = pattern(r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[(?P<extras>[^\]]*)\]\s*)?@\s*(?P<url>git\+\S.*)")
_EGG = pattern(r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?:\[(?P<extras>[^\]]*)\])?(?:-\d[\w.+!]*)?")
_COMMIT = pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REF = pattern(r"[A-Za-z0-9_][\w./+@=,%~^-]{0,199}")
_USER = pattern(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_NAME = pattern(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLink:
    """One such link. `url` is what git is given, without `git+`, credentials and revision; of ssh with its user.

    `ref` is the branch, tag or commit, empty for the default branch; `name` is canonical, `where` the place in the
    model, `text` the requirement as written. `subdirectory` is a plain relative path, or empty.
    """

    name: str
    url: str
    ref: str
    subdirectory: str
    extras: str
    marker: str
    where: str
    text: str = ""

    @property
    def pinned(self) -> bool:
        """Whether the link itself names a whole commit."""
        return _COMMIT.fullmatch(self.ref) is not None

    @property
    def local(self) -> bool:
        """Whether the repository is one of this machine."""
        return self.url.startswith("file:")

    def requirement(self, address: str) -> str:
        """The requirement that takes the package from `address` instead."""
        extras, marker = f"[{self.extras}]" if self.extras else "", f" ; {self.marker}" if self.marker else ""
        return f"{self.name}{extras} @ {address}{marker}"


def is_git(text: str) -> bool:
    """Whether a requirement or a line of one names a git repository as pip does."""
    return text.lower().startswith("git+") or _NAMED.fullmatch(text) is not None


def git_link(text: str, where: str) -> GitLink:
    """The link that a requirement or a bare line of a requirements file is. Raises ResolveError for one that is wrong.

    Nothing is asked and nothing is run for it.
    """
    named = _NAMED.fullmatch(text)
    address, marker = split_marker(named["url"] if named else text)
    address, _, fragment = address.strip().partition("#")
    given = dict(part.partition("=")[::2] for part in fragment.split("&") if part)
    egg = _EGG.fullmatch(unquote(given.get("egg", "")))
    name = named["name"] if named else egg["name"] if egg else ""
    extras = (named["extras"] if named else "") or (egg["extras"] if egg else "") or ""
    if not name:
        what = "is a source repository without the name of its package"
        egg_too = f"or add {'&' if fragment else '#'}egg=NAME to it"
        raise _wrong(text, where, what, f"write `NAME @ {_shown(text)}`, {egg_too}; --allow-build NAME builds it then")
    url, ref = _parted(address[len("git+") :], text, where)
    subdirectory = unquote(given.get("subdirectory", "")).strip("/")
    path = PurePosixPath(subdirectory)
    if ".." in path.parts or "\\" in subdirectory or not subdirectory.isprintable():
        raise _wrong(text, where, "has a subdirectory outside the repository", "name a folder inside it")
    return GitLink(
        name=re.sub(r"[-_.]+", "-", name).lower(),
        url=url,
        ref=ref,
        subdirectory="" if str(path) == "." else str(path),
        extras=",".join(part.strip() for part in extras.split(",") if part.strip()),
        marker=marker,
        where=where,
        text=text,
    )


def check_allowed(link: GitLink, allowed: Collection[str], text: str, where: str) -> None:
    """Raise ResolveError unless `--allow-build` covers the link: one of this machine by the package's own name."""
    if link.name in allowed or (ALL in allowed and not link.local):
        return
    if ALL in allowed:
        raise ResolveError(
            f"{where}: {_shown(text)!r} is a repository of this machine, which --allow-build all does not cover: a "
            "model can name any",
            hint=f"--allow-build {link.name} takes it",
        )
    raise ResolveError(
        f"{where}: {_shown(text)!r} is a source repository, which would have to be built",
        hint=f"--allow-build {link.name} builds it, at the commit that is found, in a sandbox without network and "
        "credentials; or publish a wheel of it and list it as name==version",
    )


def locked_link(name: str, url: str, commit: str, subdirectory: str, where: str) -> GitLink:
    """The link that a lock stands for, by the rules for every link. Raises ResolveError for what no link would say."""
    part = f"#subdirectory={quote(subdirectory)}" if subdirectory else ""
    link = git_link(f"{name} @ git+{url}@{commit}{part}", where)
    if (link.name, link.url, link.ref, link.subdirectory) != (name, url, commit, subdirectory):
        raise _wrong(link.text, where, "is not written as a lock has it", "lock anew with `envbuild lock`")
    return link


def allowed_names(values: Collection[str]) -> tuple[str, ...]:
    """What `--allow-build` was given: canonical names, each once, sorted, and `all`. UsageError for what is none."""
    found = set()
    for value in values:
        for name in value.replace(",", " ").split() or [value]:
            if not _NAME.fullmatch(name):
                raise UsageError(
                    f"--allow-build {name}: not the name of a package", hint="write the name alone, or all"
                )
            found.add(re.sub(r"[-_.]+", "-", name).lower())
    return tuple(sorted(found))


def _parted(address: str, text: str, where: str) -> tuple[str, str]:
    """The address that git takes, and the revision behind its last `@`."""
    try:
        parts = urlsplit(address)
        user, password = parts.username or "", parts.password
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _wrong(text, where, "is no address", "write name @ git+https://host/path.git@commit") from None
    if parts.scheme not in _SCHEMES:
        hint = "write it with git+https://, git+ssh:// or git+file:///"
        raise _wrong(text, where, "is reached in a way that is not supported", hint)
    if parts.query or password or (user and parts.scheme != "ssh"):
        what = "has a query, which git would not send" if parts.query else "has credentials in its address"
        raise _wrong(text, where, what, "take them out of the file; git asks its own credential helpers")
    if "${" in address:
        raise _wrong(text, where, "names a variable of the machine that builds", "write the address itself")
    path, at, ref = parts.path.rpartition("@") if "@" in parts.path else (parts.path, "", "")
    ref = unquote(ref)
    if at and (not _REF.fullmatch(ref) or ".." in ref):
        raise _wrong(text, where, "names no revision behind its @", "name a branch, a tag or a commit")
    local = parts.scheme == "file"
    if not path.startswith("/") or len(path) < 2 or (not local and not re.fullmatch(r"[A-Za-z0-9.:_-]+", host)):
        raise _wrong(text, where, "names no repository", "write name @ git+https://host/path.git@commit")
    if host.startswith("-") or (user and not _USER.fullmatch(user)) or (local and host not in ("", "localhost")):
        raise _wrong(text, where, "names no repository", "write name @ git+https://host/path.git@commit")
    shown = f"[{host}]" if ":" in host else host
    place = "" if local else f"{user}@{shown}" if user else shown
    return f"{parts.scheme}://{place}{f':{port}' if port else ''}{path}", ref


def _wrong(text: str, where: str, what: str, hint: str) -> ResolveError:
    return ResolveError(f"{where}: {_shown(text)!r} {what}", hint=hint)


def _shown(text: str) -> str:
    from ..indexes import without_credentials

    return without_credentials(text)[:300]
