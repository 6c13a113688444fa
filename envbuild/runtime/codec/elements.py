"""Cast the elements of an array to the type of a tensor, all at once where they are numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import times
from .scalars import TOO_LARGE, TOO_LONG, MisfitError, binary, boolean, kind_of, real, text, whole

PRECISION = {16: 1 << 11, 32: 1 << 24, 64: 1 << 53}
"""Up to here every whole number is a floating-point number of so many bits."""


def cast(array: Any, value: Any, dtype: Any) -> Any:
    """Return `array`, which numpy made of the nested lists `value`, as `dtype`.

    MisfitError says which element would change: a fraction, a number out of range, a string, null for a whole number.
    """
    want = dtype.kind
    if want == "O" or array.dtype == dtype or array.size == 0:
        return array
    if array.dtype.kind in "biuf" and want in "biufc":
        quick = _numbers(array, dtype)
        if quick is not None:
            return quick
    if want not in _CASTS:
        raise MisfitError("a tensor of a type that cannot be sent", "nothing")
    return _one_by_one(array, value, dtype)


def objects(value: Any, shape: tuple[int, ...] | None) -> Any:
    """Return nested lists as an array of objects: their elements stay what they are."""
    if shape is None:
        return np.asarray(value, dtype=object)
    flat = np.empty(int(np.prod(shape)), dtype=object)
    for number, item in enumerate(_flat(value, len(shape))):
        flat[number] = item
    return flat.reshape(shape)


def _numbers(array: Any, dtype: Any) -> Any:
    """Return numbers as another type, or None if one of them would change. Fractions may be rounded."""
    have, want = array.dtype.kind, dtype.kind
    with np.errstate(all="ignore"):
        converted = array.astype(dtype)
    if want in "fc":
        if have == "f":
            return converted if bool((np.isfinite(converted) == np.isfinite(array)).all()) else None
        limit = PRECISION.get(dtype.itemsize * (4 if want == "c" else 8), 1 << 53)
        exact = have == "b" or (array.max() <= limit and (have == "u" or array.min() >= -limit))
        return converted if exact else None
    if have == "b":
        return converted
    if want == "b":
        return converted if bool(((array == 0) | (array == 1)).all()) else None
    limits = np.iinfo(dtype)
    if have == "f":
        # Whole numbers beyond 2**53 may have come through a float because of a fraction elsewhere.
        low, high = max(limits.min, 1 - PRECISION[64]), min(limits.max, PRECISION[64] - 1)
        fits = bool(((array >= low) & (array <= high) & (array == np.floor(array))).all())
    else:
        fits = limits.min <= int(array.min()) and int(array.max()) <= limits.max
    return converted if fits else None


def _one_by_one(array: Any, value: Any, dtype: Any) -> Any:
    read, wanted = _CASTS[dtype.kind](dtype)
    items: list[Any] = []
    try:
        for item in _flat(value, array.ndim) if isinstance(value, list) else array.ravel().tolist():
            items.append(read(item))
    except MisfitError as problem:
        path = "".join(f"[{step}]" for step in np.unravel_index(len(items), array.shape))
        raise MisfitError(problem.got, wanted, path) from None
    if dtype.kind == "M":
        return np.array(items, dtype="datetime64[ns]").astype(_unit(dtype)).reshape(array.shape)
    return np.array(items, dtype=dtype).reshape(array.shape)


def _flat(value: Any, depth: int) -> Any:
    """Give the elements below `depth` levels of lists."""
    if depth <= 1:
        return iter(value) if depth else iter([value])
    return (item for part in value for item in _flat(part, depth - 1))


def _for_whole(dtype: Any) -> tuple[Callable[[Any], Any], str]:
    limits = np.iinfo(dtype)
    low, high = int(limits.min), int(limits.max)
    return lambda item: whole(item, low, high), f"a whole number from {low} to {high}"


def _for_real(dtype: Any) -> tuple[Callable[[Any], Any], str]:
    def read(item: Any) -> Any:
        if item is None:
            return np.nan  # null is the only way to write "not a number" in JSON
        number = real(item)
        with np.errstate(over="ignore"):
            held = dtype.type(number)
        if np.isinf(held) and not np.isinf(number):
            raise MisfitError(TOO_LARGE)
        if type(item) is int and held != item:
            raise MisfitError(TOO_LONG)
        return held

    return read, "a number"


def _for_text(dtype: Any) -> tuple[Callable[[Any], Any], str]:
    def read(item: Any) -> Any:
        found = text(item)
        if found is None:
            raise MisfitError(kind_of(item))
        if found.endswith("\0"):
            raise MisfitError("a string that ends in a zero, which numpy would drop")
        if dtype.itemsize and len(found) > dtype.itemsize // 4:
            raise MisfitError(f"a string longer than {dtype.itemsize // 4} characters")
        return found

    return read, "a string"


def _for_bytes(dtype: Any) -> tuple[Callable[[Any], Any], str]:
    def read(item: Any) -> Any:
        found = binary(item)
        if found.endswith(b"\0"):
            raise MisfitError("bytes that end in a zero, which numpy would drop")
        if dtype.itemsize and len(found) > dtype.itemsize:
            raise MisfitError(f"more than {dtype.itemsize} bytes")
        return found

    return read, "a string in base64"


def _for_time(dtype: Any) -> tuple[Callable[[Any], Any], str]:
    unit = _unit(dtype)

    def read(item: Any) -> Any:
        if item is None:
            return np.datetime64("NaT", "ns")
        found = times.moment(item)
        if found.astype(unit) != found:
            raise MisfitError("a time finer than that")
        return found

    return read, "a time in ISO 8601 with a year from 1678 to 2261"


def _unit(dtype: Any) -> Any:
    # A type without a unit would keep whatever unit each text shows.
    return dtype if np.datetime_data(dtype)[0] != "generic" else np.dtype("datetime64[ns]")


_CASTS: dict[str, Callable[[Any], tuple[Callable[[Any], Any], str]]] = {
    "b": lambda dtype: (boolean, "true or false"),
    "i": _for_whole,
    "u": _for_whole,
    "f": _for_real,
    "c": _for_real,
    "U": _for_text,
    "S": _for_bytes,
    "M": _for_time,
}
