"""Addresses of channels and their files, which may carry a password or a token: what of them may be written down."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from ...patterns import pattern
from ..indexes import without_credentials

CREDENTIALS = "ENVBUILD_CONDA_CREDENTIALS"
"""Addresses with user and password, `https://user:password@host/channel`, or with a token,
`https://host/t/token/channel`, with blanks between: each is for what lies at or below it, and adds no channel."""
# anaconda.org and servers like it take a token as two parts of the path.
_IN_PATH = pattern(r"/t/[^/\s?#'\"]+")
# Of any kind: whoever is asked may send on to what nobody speaks. A path of this machine has no tokens.
_ADDRESS = pattern(r"(?<![a-z0-9+.-])(?!file:)[a-z][a-z0-9+.-]*://[^\s'\"<>)\]]+", re.IGNORECASE)
_WEB = pattern(r"https?://", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """`text` without the password, the token and the query of every address in it."""
    return _ADDRESS.sub(lambda match: _bare(match[0]), without_credentials(text))


def public(address: str) -> str:
    """An address as it may be written anywhere: without password, token, query and fragment."""
    bare = without_secrets(address)
    return bare.partition("#")[0] if _WEB.match(bare) else bare


def has_secrets(address: str) -> bool:
    """Whether an address carries a password, a token or a query."""
    return without_secrets(address) != address


def climbs(address: str) -> bool:
    """Whether a part of its path is `.` or `..`: whoever asks for it, or answers, takes that for another path."""
    return bool({".", ".."} & set(re.split(r"[/\\]", unquote(urlsplit(address).path))))


def _bare(address: str) -> str:
    return _IN_PATH.sub("", address.partition("?")[0])


def split_token(path: str) -> tuple[str, str, str]:
    """What stands before the token in a path, the two parts that the token is, and what stands behind them."""
    found = _IN_PATH.search(path)
    return (path[: found.start()], found[0], path[found.end() :]) if found else (path, "", "")
