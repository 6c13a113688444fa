"""What a login or a token may be made of, looked at where it comes in: one that cannot be sent is told by its source.

A library that gets one which cannot stand in a header says so with all of its text.
"""

from __future__ import annotations

from ..errors import UsageError
from ..patterns import pattern

# Control characters, and what was no text where it came from.
_UNSENDABLE = pattern(r"[\x00-\x1f\x7f\ud800-\udfff]")
_TOKEN = pattern(r"[\x21-\x7e]*")


def sendable(text: str, source: str) -> str:
    """`text`, a user or a password of `source`, without line breaks around it.

    It is sent as UTF-8. UsageError, which names `source` and nothing of the text, for what is none.
    """
    found = text.strip("\r\n")
    if _UNSENDABLE.search(found):
        raise _refused(source)
    return found


def sendable_token(text: str, source: str) -> str:
    """`text`, a token of `source`, without white space around it: it is sent as it is. UsageError as `sendable`."""
    found = text.strip()
    if not _TOKEN.fullmatch(found):
        raise _refused(source)
    return found


def _refused(source: str) -> UsageError:
    return UsageError(
        f"a login or a token in {source} has a character that cannot be sent",
        hint="write it there anew, without control characters; a token has letters, digits and signs alone",
    )
