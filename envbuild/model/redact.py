"""Hiding the credentials of an address, and those that show by their shape, before a person or a log sees them."""

from __future__ import annotations

import re

from ..patterns import pattern
from .secrets import secrets_in

_WRITTEN = r"(?:(?!://)[^\s'\"<>])"
# What stands between the scheme and the last @ before the path: a password may hold one itself. One that was written as
# it is may hold a slash and blanks too, and stands where a port would. Each ends before the next address.
USER_INFO = (
    r"(?:[^/\s]*|[^/\s:@\[\]]+:(?!\d*(?:[/?#,'\"\s]|$))"
    rf"(?:{_WRITTEN}*|{_WRITTEN}+(?:[ \t]{{1,4}}(?![#;]){_WRITTEN}+){{1,8}}?))(?=@)"
)
# Or both, an @ and then a slash: what follows the @ is no name of a host then, and what follows the last one is.
_HOST = r"(?:[\w-]+(?:\.[\w-]+)+(?::\d+)?|[\w-]+:\d+|localhost|\[[\da-f:]+\])"
_AND_MORE = rf"[^/\s:]*:[^/\s]*@[^/\s@.:\[]*/{_WRITTEN}*(?=@{_HOST}/)"
_USER_INFO = pattern(rf"(?<=://)(?:{_AND_MORE}|{USER_INFO})")
# Anaconda's servers take a token as a part of the path.
_PATH_TOKEN = pattern(r"(https?://[^\s/]+/(?:[^\s/]+/)??t/)([^\s/]+)(?=/)")
# An address whose scheme is cut short is one to a person; a login shows by its colon.
_MISTYPED = pattern(r"(?:(?<=git\+)|(?<=https:/)|(?<=http:/))(?!/)[^\s/:@]+:(?!/)[^\s/@]+(?=@)")
_SECRET_QUERY = pattern(
    r"(?<=[?&])((?:[\w-]{0,40}(?:token|secret|password|passwd|signature|credential|key)[\w-]{0,40}|sig|auth|pwd|jwt)=)([^&\s#]+)",
    re.IGNORECASE,
)
_QUERY = pattern(r"(?<=[^\s'\"])\?[^\s'\"<>#`]+")


def redact(text: str) -> str:
    """`text` with credentials as stars: of addresses the user part, tokens and secret query values.

    Tokens and keys of a known shape are hidden wherever they stand. The length of the text stays.
    """
    text = redact_addresses(text)
    if "://" in text:
        text = _PATH_TOKEN.sub(lambda m: m[1] + "*" * len(m[2]), text)
    for secret in secrets_in(text):
        text = text[: secret.start] + "*" * (secret.end - secret.start) + text[secret.end :]
    return text


def redact_addresses(text: str) -> str:
    """`text` with stars for the user part of every address, and for secret values of a query."""
    if "://" in text:
        text = _USER_INFO.sub(lambda m: "*" * len(m[0]), text)
    if "@" in text:
        text = _MISTYPED.sub(lambda m: "*" * len(m[0]), text)
    if "=" in text:
        text = _SECRET_QUERY.sub(lambda m: m[1] + "*" * len(m[2]), text)
    return text


def without_secret_queries(text: str) -> str:
    """`text` without each query of an address that holds a secret value."""
    return _QUERY.sub(lambda m: "" if _SECRET_QUERY.search(m[0]) else m[0], text) if "?" in text else text
