"""Values of MLflow's nested types: array, object, map and any.

They are checked here, since MLflow's own message repeats the value and the whole schema. What comes out is what
MLflow's check takes: it wants numbers of 32 bits in numpy's types, and times as datetime64.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .scalars import SCALARS, WANTED, MisfitError, kind_of
from .times import moment

NARROW = {"integer": np.int32, "float": np.float32}
"""Types that MLflow takes from numpy only: a Python number has 64 bits."""
HOLES = {"float": np.nan, "double": np.nan, "datetime": np.datetime64("NaT", "ns")}
"""What stands for null in a list of these types."""
NESTED = frozenset({"array", "object", "map", "any"})


def cast_nested(value: Any, spec: Mapping[str, Any], required: bool = True) -> Any:
    """Return a value as `spec`, an entry of the signature, describes it.

    Properties that it does not name are left out. MisfitError says what was expected where inside the value.
    """
    kind = spec.get("type")
    if kind not in WANTED and kind not in ("array", "object", "map"):
        return value  # `any`, and types of newer MLflow, which it checks itself
    if value is None and not required:
        return None
    if kind == "array":
        return _array(value, spec["items"], required)
    if kind == "object":
        return _object(value, spec["properties"])
    if kind == "map":
        return _map(value, spec["values"], required)
    return _scalar(value, str(kind))


def _scalar(value: Any, kind: str) -> Any:
    cast = moment if kind == "datetime" else SCALARS[kind]
    try:
        found = cast(value)
    except MisfitError as problem:
        raise MisfitError(problem.got, f"{WANTED[kind]} ({kind})") from None
    if found is None:  # NaN where a string is expected
        raise MisfitError(kind_of(value), f"{WANTED[kind]} ({kind})")
    return NARROW[kind](found) if kind in NARROW else found


def _array(value: Any, items: Mapping[str, Any], required: bool) -> Any:
    if not isinstance(value, list):
        raise MisfitError(kind_of(value), "a list (array)")
    kind = str(items.get("type"))
    cast = []
    for number, item in enumerate(value):
        if item is None and kind in HOLES:
            cast.append(HOLES[kind])
            continue
        try:
            # null is no string in a list: MLflow would write it out as the word "None".
            cast.append(cast_nested(item, items, required or kind in WANTED))
        except MisfitError as problem:
            raise problem.inside(f"[{number}]") from None
    return np.array(cast, dtype=NARROW[kind]) if kind in NARROW else cast


def _object(value: Any, properties: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MisfitError(kind_of(value), "an object (object)")
    cast = {}
    for name, spec in properties.items():
        required = spec.get("required", True) is not False
        if name not in value:
            if required:
                raise MisfitError(f"an object without {name!r}", "an object with all required properties")
            continue
        try:
            cast[name] = cast_nested(value[name], spec, required)
        except MisfitError as problem:
            raise problem.inside(f"[{name!r}]") from None
    return cast


def _map(value: Any, values: Mapping[str, Any], required: bool) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MisfitError(kind_of(value), "an object (map)")
    cast = {}
    for number, (key, item) in enumerate(value.items()):
        try:
            cast[key] = cast_nested(item, values, required)
        except MisfitError as problem:
            # The key is the caller's own, and not for messages.
            raise problem.inside(f"[entry {number}]") from None
    return cast
