"""The package indexes that the person's environment names, and the credentials in those names.

Only the environment is read, with uv's own variables: never a file of the model. Credentials are used to ask
the index that they belong to; they reach no lock, key, log or message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit

from ..model.redact import USER_INFO, redact_addresses, without_secret_queries
from ..options import INDEX_VARIABLES, PYTORCH_INDEX
from ..patterns import pattern
from .sendable import sendable

# What uv reads that can change which packages are chosen: part of the key of a cached lock.
SETTINGS = (
    "UV_DEFAULT_INDEX",
    "UV_EXCLUDE_NEWER",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_INDEX",
    "UV_INDEX_STRATEGY",
    "UV_INDEX_URL",
    "UV_PRERELEASE",
    "UV_TORCH_BACKEND",
)
# The scheme takes no part: looked for in front, it would be tried at every letter of a long text.
_USERINFO = pattern(rf"(://){USER_INFO}@")

Origin = tuple[str, str, int]


def without_credentials(text: str) -> str:
    """`text` with the user and password of every URL in it cut out."""
    return _USERINFO.sub(r"\1", text)


def for_messages(text: str) -> str:
    """`text` as people may read it: as `without_credentials`, and without what is secret in a query."""
    return without_credentials(redact_addresses(text))


def to_keep(text: str) -> str:
    """`text` as it may be written down: as `without_credentials`, and without each query that holds a secret."""
    return without_secret_queries(without_credentials(text))


def settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings that are set, without credentials."""
    # A query ends with its entry.
    return {
        name: ",".join(map(to_keep, environ[name].split(","))) if name == "UV_FIND_LINKS" else to_keep(environ[name])
        for name in SETTINGS
        if environ.get(name)
    }


def has_relative(environ: Mapping[str, str]) -> bool:
    """Whether an index or a folder of wheels is named by a path from the current folder."""
    addresses = (address for _, _, address in entries(environ, INDEX_VARIABLES))
    return any("://" not in text and not text.rpartition("=")[2].startswith("/") for text in addresses)


def credentials(environ: Mapping[str, str]) -> dict[Origin, tuple[str, str]]:
    """User and password of the first index of each origin that comes with them."""
    return {where: known[0] for where, known in all_credentials(environ).items()}


def all_credentials(environ: Mapping[str, str]) -> dict[Origin, list[tuple[str, str]]]:
    """User and password of each index that comes with them, in order, by the origin that they may be sent to.

    One host may have several indexes, each with a password of its own. UsageError for what cannot be sent.
    """
    found: dict[Origin, list[tuple[str, str]]] = {}
    for where, variable, name, address in _named(environ):
        parts = urlsplit(address)
        prefix = "UV_INDEX_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
        user = unquote(parts.username or "") or (environ.get(f"{prefix}_USERNAME", "") if name else "")
        password = unquote(parts.password or "") or (environ.get(f"{prefix}_PASSWORD", "") if name else "")
        user, password = (sendable(text, variable) for text in (user, password))
        if (user or password) and (user, password) not in found.setdefault(where, []):
            found[where].append((user, password))
    return {where: known for where, known in found.items() if known}


def origins(environ: Mapping[str, str]) -> frozenset[Origin]:
    """Where the indexes are that the person named."""
    return frozenset(where for where, *_ in _named(environ))


def _named(environ: Mapping[str, str]) -> Iterator[tuple[Origin, str, str, str]]:
    """The indexes that variables name: where they are, the variable, their name or nothing, and their address."""
    for variable, name, address in entries(environ, (*INDEX_VARIABLES, PYTORCH_INDEX)):
        where = origin(address)
        if where is not None:
            yield where, variable, name, address


def entries(environ: Mapping[str, str], variables: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """What `variables` name, in order: the variable, the name of the index or nothing, and its address or path."""
    for variable in variables:
        for entry in re.split(r"[\s,]+" if variable == "UV_FIND_LINKS" else r"\s+", environ.get(variable, "")):
            # Only this much before a `=` is a name: an address may have one too.
            found = re.match(r"([\w.-]+)=(?=\w+://)", entry)
            if entry:
                yield variable, found[1] if found else "", entry[found.end() :] if found else entry


def origin(address: str) -> Origin | None:
    """Scheme, host and port of an http or https URL; None for any other."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)
