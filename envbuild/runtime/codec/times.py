"""Times in ISO 8601 and RFC 3339, with or without a zone, as numpy's datetime64[ns].

MLflow's datetime has no zone: what comes with one is converted to UTC. Numbers are refused, since nothing says
whether they are seconds, milliseconds or nanoseconds.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from .scalars import MisfitError, kind_of

MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?) ?([Zz]|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?",
    re.ASCII,
)
FIRST, LAST = "1678", "2261"
"""The whole years that datetime64[ns] holds, with a day to spare for zones."""
NO_TIME = "a string that is no such time"
NANOSECONDS = 60 * 10**9
"""In a minute."""


def moments(values: Sequence[Any]) -> Any:
    """Return strings, with None for a missing one, as datetime64[ns] in UTC. MisfitError if one of them is no time."""
    texts = []
    offsets: list[int] = []
    known = {None: 0, "Z": 0, "z": 0}
    find = MOMENT.fullmatch
    for value in values:
        if value is None:
            texts.append("NaT")
            offsets.append(0)
            continue
        found = find(value) if isinstance(value, str) else None
        if found is None:
            raise MisfitError(NO_TIME if isinstance(value, str) else kind_of(value))
        day, time, zone = found.groups()
        if not FIRST <= day[:4] <= LAST:
            raise MisfitError("a time out of range")
        texts.append(f"{day}T{time.replace(',', '.')}" if time else day)
        if zone not in known:
            known[zone] = _minutes(zone)
        offsets.append(known[zone])
    try:
        array = np.array(texts, dtype="datetime64[ns]")
    except ValueError:
        raise MisfitError(NO_TIME) from None
    if any(known.values()):
        array = array - (np.array(offsets, dtype="int64") * NANOSECONDS).view("timedelta64[ns]")
    return array


def moment(value: Any) -> Any:
    """Return one string as datetime64[ns]."""
    return moments([value])[0]


def day_or_time(value: Any) -> Any:
    """Return one string as MLflow gives it to parameters: a date, or a datetime in UTC of whole microseconds."""
    found = moment(value)
    if len(value) == len("2024-05-31"):
        return found.astype("datetime64[D]").item()
    whole = found.astype("datetime64[us]")
    if whole != found:
        raise MisfitError("a time with a fraction of a microsecond")
    stamp: datetime.datetime = whole.item()
    return stamp


def _minutes(zone: str) -> int:
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return -minutes if zone[0] == "-" else minutes
