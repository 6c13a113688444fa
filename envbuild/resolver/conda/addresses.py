"""Addresses of channels and their files, which may carry a password or a token: what of them may be written down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from ...patterns import pattern
from ..indexes import origin, without_credentials

CREDENTIALS = "ENVBUILD_CONDA_CREDENTIALS"
"""Addresses with user and password, `https://user:password@host/channel`, or with a token,
`https://host/t/token/channel` or `https://host/channel?token=token`, with blanks between: they add no channel."""
# anaconda.org and servers like it take a token as two parts of the path.
_IN_PATH = pattern(r"/t/[^/\s?#'\"]+")
_ADDRESS = pattern(r"https?://[^\s'\"<>)\]]+", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """`text` without the password, the token and the query of every address in it."""
    return _ADDRESS.sub(lambda match: _bare(match[0]), without_credentials(text))


def public(address: str) -> str:
    """An address as it may be written anywhere: without password, token, query and fragment."""
    bare = without_secrets(address)
    return bare.partition("#")[0] if _ADDRESS.match(bare) else bare


def has_secrets(address: str) -> bool:
    """Whether an address carries a password, a token or a query."""
    return without_secrets(address) != address


def _bare(address: str) -> str:
    return _IN_PATH.sub("", address.partition("?")[0])


def with_token(address: str, environ: Mapping[str, str]) -> str:
    """`address` with the token that the environment has for its scheme, host and port, and its channel."""
    where = origin(address)
    if where is None:
        return address
    parts = urlsplit(address)
    for entry in environ.get(CREDENTIALS, "").split():
        if origin(entry) != where:
            continue
        given = urlsplit(entry)
        head, token, rest = _split(given.path)
        channel = f"{head}{rest}".rstrip("/")
        if not (token or given.query) or not f"{parts.path}/".startswith(f"{channel}/"):
            continue
        path = f"{head}{token}{parts.path[len(head) :]}"
        return urlunsplit((parts.scheme, parts.netloc, path, given.query, ""))
    return address


def _split(path: str) -> tuple[str, str, str]:
    """What stands before the token in a path, the two parts that the token is, and what stands behind them."""
    found = _IN_PATH.search(path)
    return (path[: found.start()], found[0], path[found.end() :]) if found else (path, "", "")
