"""Hiding the credentials of an address before a person or a log sees it."""

from __future__ import annotations

import re

from ..patterns import pattern

_USER_INFO = pattern(r"(?<=://)[^/\s@]+(?=@)")
_SECRET_QUERY = pattern(
    r"(?<=[?&])((?:[\w-]*(?:token|secret|password|passwd|signature|credential|key)[\w-]*|sig)=)([^&\s#]+)",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """`text` with the user part of every address, and secret query values, as stars; its length stays."""
    text = _USER_INFO.sub(lambda m: "*" * len(m[0]), text)
    return _SECRET_QUERY.sub(lambda m: m[1] + "*" * len(m[2]), text)
