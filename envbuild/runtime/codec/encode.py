"""Write an answer as JSON. NaN and infinities become null, since JSON has no other word for them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import orjson

from .plain import plain, tree

TOO_DEEP = "The answer has more levels than JSON can be written with here."


def encode(value: Any) -> bytes:
    """Return an answer as JSON; TypeError if it holds something that has no form in JSON."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray) and _native(value):
        return bytes(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY))
    drained: dict[int, tuple[Any, Any]] = {}

    def convert(part: Any) -> Any:
        found = plain(part)
        if isinstance(part, Iterator):
            # It gives its items only once; kept, so that its id stays its own.
            drained[id(part)] = (part, found)
        return found

    start = convert(value)
    # The keys of a table's records are text already, and orjson is faster where it need not look.
    option = orjson.OPT_NON_STR_KEYS if start is value or isinstance(start, dict) else None
    try:
        return bytes(orjson.dumps(start, default=convert, option=option))
    except TypeError:
        # Numbers beyond 64 bits, keys of other kinds, halves of surrogate pairs: rare, and written with more time.
        return _slowly(value, drained)


def _native(array: Any) -> bool:
    """Tell whether orjson writes an array as `tolist` would be written; of float32 it gives fewer digits."""
    return array.dtype.char in "dlq?" and array.dtype.isnative and array.ndim > 0 and array.flags.c_contiguous


def _slowly(value: Any, drained: dict[int, tuple[Any, Any]]) -> bytes:
    def restored(part: Any) -> Any:
        kept = drained.get(id(part))
        return kept[1] if kept is not None else part

    try:
        return json.dumps(tree(value, restored), allow_nan=False, separators=(",", ":")).encode("ascii")
    except RecursionError:
        raise TypeError(TOO_DEEP) from None
    except ValueError:
        raise TypeError("The answer holds a whole number of too many digits.") from None
