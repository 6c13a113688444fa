"""Whether two predictions are the same, as JSON values."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any


def difference(found: Any, expected: Any, tolerance: float, at: str = "") -> str:
    """The first place where `found` is not `expected`, and how; empty where they are the same.

    Numbers are the same within the relative `tolerance`; what is no finite number is the same as null, and times are
    the same in any ISO 8601 spelling.
    """
    found, expected = _finite(found), _finite(expected)
    if _number(found) and _number(expected):
        # Sums in another order leave something of the last digits where the result is nearly nothing.
        close = math.isclose(found, expected, rel_tol=tolerance, abs_tol=tolerance * 1e-3)
        return "" if close else _said(at, found, expected)
    if isinstance(found, list) and isinstance(expected, list):
        if len(found) != len(expected):
            return f"{at or 'the answer'} has {len(found)} items, and the model gives {len(expected)}"
        pairs = ((f"{at}[{index}]", a, b) for index, (a, b) in enumerate(zip(found, expected, strict=True)))
    elif isinstance(found, dict) and isinstance(expected, dict):
        if found.keys() != expected.keys():
            return f"{at or 'the answer'} has {_names(found)}, and the model gives {_names(expected)}"
        pairs = ((f"{at}.{key}" if at else str(key), found[key], expected[key]) for key in expected)
    else:
        same = found == expected and isinstance(found, bool) == isinstance(expected, bool)
        return "" if same or _same_time(found, expected) else _said(at, found, expected)
    return next((told for place, a, b in pairs if (told := difference(a, b, tolerance, place))), "")


def flat(value: Any) -> list[Any]:
    """The leaves of nested lists, in their order."""
    return [leaf for part in value for leaf in flat(part)] if isinstance(value, list) else [value]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same_time(found: Any, expected: Any) -> bool:
    if not (isinstance(found, str) and isinstance(expected, str)):
        return False
    try:
        one, other = (datetime.fromisoformat(text.replace("Z", "+00:00")[:32]) for text in (found, expected))
        return one.replace(tzinfo=None) == other.replace(tzinfo=None)
    except ValueError:
        return False


def _names(value: dict[str, Any]) -> str:
    return ", ".join(map(str, value)) or "nothing"


def _said(at: str, found: Any, expected: Any) -> str:
    return f"{f'{at}: ' if at else ''}the answer is {_short(found)}, and the model gives {_short(expected)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
