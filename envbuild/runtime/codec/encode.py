"""Write an answer as JSON. NaN and infinities become null, since JSON has no other word for them."""

from __future__ import annotations

from typing import Any

import orjson

from .plain import plain


def encode(value: Any) -> bytes:
    """Return an answer as JSON; TypeError if it holds something that has no form in JSON."""
    return bytes(orjson.dumps(plain(value), default=plain, option=orjson.OPT_NON_STR_KEYS))
