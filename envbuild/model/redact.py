"""Hiding the credentials of an address, and those that show by their shape, before a person or a log sees them."""

from __future__ import annotations

import re

from ..patterns import pattern
from .secrets import secrets_in

# Up to the last @ before the path: a password may hold one itself. One that was written as it is may hold a slash too,
# and stands where a port would.
_USER_INFO = pattern(r"(?<=://)(?:[^/\s]+(?=@)|[^/\s:@\[\]]+:(?!\d*(?:[/?#,'\"\s]|$))[^\s'\"<>]*(?=@))")
# Anaconda's servers take a token as a part of the path.
_PATH_TOKEN = pattern(r"(https?://[^\s/]+/(?:[^\s/]+/)??t/)([^\s/]+)(?=/)")
_SECRET_QUERY = pattern(
    r"(?<=[?&])((?:[\w-]{0,40}(?:token|secret|password|passwd|signature|credential|key)[\w-]{0,40}|sig)=)([^&\s#]+)",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """`text` with credentials as stars: of addresses the user part, tokens and secret query values.

    Tokens and keys of a known shape are hidden wherever they stand. The length of the text stays.
    """
    if "://" in text:
        text = _USER_INFO.sub(lambda m: "*" * len(m[0]), text)
        text = _PATH_TOKEN.sub(lambda m: m[1] + "*" * len(m[2]), text)
    if "=" in text:
        text = _SECRET_QUERY.sub(lambda m: m[1] + "*" * len(m[2]), text)
    for secret in secrets_in(text):
        text = text[: secret.start] + "*" * (secret.end - secret.start) + text[secret.end :]
    return text
