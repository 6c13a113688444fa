"""Addresses and numbers as servers write them into headers. What is none is the server's fault, and told as that."""

from __future__ import annotations

import re
import time
from urllib.parse import urljoin, urlsplit

from ..errors import NetworkError


def joined(base: str, said: str, who: str) -> str:
    """The address that `who`, which was asked at `base`, means with `said`: a whole one, or a path of its own.

    NetworkError for what is no address. Which host and scheme it has is for the caller to judge.
    """
    try:
        url = urljoin(base, said)
        _ = urlsplit(url).port  # it is looked at when it is asked for, and not before
    except ValueError:
        raise NetworkError(f"{who} names an address that is none", hint="is it a registry?") from None
    return url


def number(text: str) -> int | None:
    """The whole number that a header is, None for anything else: `isdigit` also holds for what `int` does not read."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def retry_after(text: str) -> float:
    """The seconds that a `Retry-After` asks to wait; 0 where it does not say."""
    if (seconds := number(text)) is not None:
        return float(seconds)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0
