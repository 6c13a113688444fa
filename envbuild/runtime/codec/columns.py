"""Cast one column of JSON values to the type of the signature, or say which row does not fit.

Nothing is changed silently: 2.5 for a whole number, "false" for a boolean or a number out of range is refused.
Types and pandas dtypes: mlflow.types.DataType.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import InputError
from . import times
from .elements import numbers
from .lists import listed, objects
from .nested import cast_nested
from .scalars import LIMITS, MISSABLE, SCALARS, WANTED, MisfitError, kind_of
from .signature import Column

DTYPES = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "datetime": "datetime64[ns]",
}
"""numpy's names; the other types are objects."""
EXACT = {"double": 1 << 53, "float": 1 << 24}
"""Up to here every whole number is a floating-point number."""
REALS = frozenset({float, int, type(None)})
TEXTS = frozenset({str, type(None)})


def cast_column(values: Any, column: Column, label: str) -> Any:
    """Return a list or array of values as a numpy array of the column's type.

    Numbers, booleans and times become arrays of their dtype, everything else an array of objects. null is NaN, NaT or
    None in types that have a missing value. InputError names `label`, the row, and what is expected there.
    """
    kind = column.type
    if isinstance(values, list) and values and isinstance(values[0], np.generic) and len(set(map(type, values))) == 1:
        values = np.array(values)  # arrays of several requests, put one below the other
    if isinstance(values, np.ndarray):
        if kind == "datetime" and values.dtype.kind == "M":
            return _times(values, label)
        array = _converted(values, kind)
        if array is not None:
            return array
        values = listed(values)
    quick = _QUICK.get(kind)
    array = quick(values, kind) if quick is not None else None
    return array if array is not None else _one_by_one(values, column, label)


def _whole(values: Any, kind: str) -> Any:
    if set(map(type, values)) != {int}:
        return None
    try:
        array = np.array(values, dtype="int64")
    except OverflowError:
        return None
    low, high = LIMITS[kind]
    if kind == "integer":
        return array.astype("int32") if low <= array.min() and array.max() <= high else None
    return array


def _real(values: Any, kind: str) -> Any:
    types = set(map(type, values))
    if not types <= REALS:
        return None
    try:
        array = np.array(values, dtype="float64")
    except OverflowError:
        return None
    if int in types and bool((np.abs(array) >= EXACT[kind]).any()):
        return None
    return array if kind == "double" else _single(array)


def _single(array: Any) -> Any:
    with np.errstate(over="ignore"):
        single = array.astype("float32")
    # What becomes infinite only now is out of range.
    return single if bool((np.isinf(single) == np.isinf(array)).all()) else None


def _boolean(values: Any, kind: str) -> Any:
    return np.array(values, dtype="bool") if set(map(type, values)) == {bool} else None


def _text(values: Any, kind: str) -> Any:
    return objects(values) if TEXTS.issuperset(map(type, values)) else None


def _datetime(values: Any, kind: str) -> Any:
    try:
        return times.moments(values)
    except MisfitError:
        return None


_QUICK: dict[str, Callable[[Any, str], Any]] = {
    "boolean": _boolean,
    "integer": _whole,
    "long": _whole,
    "float": _real,
    "double": _real,
    "string": _text,
    "datetime": _datetime,
}
"""Casts of a whole column at once; they return None where a value wants a look of its own."""


def _converted(array: Any, kind: str) -> Any:
    """Return an array in the dtype of `kind`, or None unless that is safe for each of its numbers."""
    if kind not in DTYPES or kind == "datetime" or array.dtype.kind not in "biuf":
        return None
    want = np.dtype(DTYPES[kind])
    return numbers(array, None, want) if array.size else array.astype(want)


def _times(array: Any, label: str) -> Any:
    years = array.astype("datetime64[Y]").astype("int64") + 1970
    outside = ~np.isnat(array) & ((years < int(times.FIRST)) | (years > int(times.LAST)))
    if outside.any():
        row = int(outside.argmax())
        raise InputError(f"{label}, row {row}: expected {WANTED['datetime']} (datetime), got a time out of range")
    return array.astype("datetime64[ns]")


def _one_by_one(values: Any, column: Column, label: str) -> Any:
    kind = column.type
    cast = SCALARS.get(kind) or (times.moment if kind == "datetime" else None)
    cells: list[Any] = []
    try:
        for value in values:
            # As a number a moment would lose its unit.
            cell = value.item() if isinstance(value, np.generic) and value.dtype.kind not in "mM" else value
            if cast is None:
                cells.append(cast_nested(cell, column.spec, column.required))
            elif cell is None and kind in MISSABLE:
                cells.append(None)
            elif cell is None:
                raise MisfitError(kind_of(cell))
            else:
                cells.append(cast(cell))
    except MisfitError as problem:
        wanted = problem.wanted or f"{WANTED[kind]} ({kind})"
        inside = f", {problem.path}" if problem.path else ""
        raise InputError(f"{label}, row {len(cells)}{inside}: expected {wanted}, got {problem.got}") from None
    if kind == "datetime":
        cells = [np.datetime64("NaT") if cell is None else cell for cell in cells]
    return np.array(cells, dtype=DTYPES[kind]) if kind in DTYPES else objects(cells)
