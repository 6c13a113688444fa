"""Cast the elements of an array to the type of a tensor, all at once where they are numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import times
from .lists import PADDING, listed, objects
from .scalars import DIGITS, TOO_LARGE, TOO_LONG, MisfitError, binary, boolean, kind_of, real, text, whole

PRECISION = {16: 1 << 11, 32: 1 << 24, 64: 1 << 53}
"""Up to here every whole number is a floating-point number of so many bits."""


def cast(array: Any, items: list[Any] | None, dtype: Any) -> Any:
    """Return `array` as `dtype`. `items` are its elements as they came, where it was made of a list.

    MisfitError says which element would change: a fraction, a number out of range, a string, null for a whole number.
    """
    want = dtype.kind
    if array.size == 0 or array.dtype.kind == want == "O":
        return array
    if want == "O":
        return objects(listed(array)).reshape(array.shape)
    if array.dtype.kind in "biuf" and want in "biufc":
        quick = numbers(array, items, dtype)
        if quick is not None:
            return quick
    elif array.dtype == dtype:
        return array
    if want not in _CASTS:
        raise MisfitError("a tensor of a type that cannot be sent", "nothing")
    return _one_by_one(array, items, dtype)


def numbers(array: Any, items: list[Any] | None, dtype: Any) -> Any:
    """Return an array of numbers, not empty, as another type, or None if one of them may change.

    Fractions may be rounded. `items` are as for `cast`.
    """
    have, want = array.dtype.kind, dtype.kind
    with np.errstate(all="ignore"):
        converted = array if array.dtype == dtype else array.astype(dtype)
    if want in "fc":
        limit = PRECISION.get(dtype.itemsize * (4 if want == "c" else 8), 1 << 53)
        if have == "f":
            # Beside fractions numpy has made whole numbers fractions too.
            exact = items is None or not bool((np.abs(array) >= limit).any()) or int not in map(type, items)
            finite = bool((np.isfinite(converted) == np.isfinite(array)).all())
            return converted if finite and exact else None
        exact = have == "b" or (array.max() <= limit and (have == "u" or array.min() >= -limit))
        return converted if exact else None
    if have == "b" or array.dtype == dtype:
        return converted
    if want == "b":
        return converted if bool(((array == 0) | (array == 1)).all()) else None
    limits = np.iinfo(dtype)
    if have == "f":
        # Whole numbers beyond 2**53 may have come through a float because of a fraction elsewhere.
        low, high = max(limits.min, 1 - PRECISION[64]), min(limits.max, PRECISION[64] - 1)
        wide = array.astype("float64")  # float32 would round the limits
        fits = bool(((wide >= low) & (wide <= high) & (wide == np.floor(wide))).all())
    else:
        fits = limits.min <= int(array.min()) and int(array.max()) <= limits.max
    return converted if fits else None


def _one_by_one(array: Any, items: list[Any] | None, dtype: Any) -> Any:
    read, wanted = _CASTS[dtype.kind](dtype)
    found: list[Any] = []
    try:
        for item in listed(array) if items is None else items:
            found.append(read(item))
    except MisfitError as problem:
        path = "".join(f"[{step}]" for step in np.unravel_index(len(found), array.shape))
        raise MisfitError(problem.got, wanted, path) from None
    if dtype.kind == "M":
        return np.array(found, dtype="datetime64[ns]").astype(_unit(dtype)).reshape(array.shape)
    if dtype.kind in "US":
        _check_padding(found, dtype)
    return np.array(found, dtype=dtype).reshape(array.shape)


def _check_padding(found: list[Any], dtype: Any) -> None:
    """Refuse text that would take far more memory than it has characters: numpy makes every element as long."""
    size = 4 if dtype.kind == "U" else 1
    longest = dtype.itemsize or size * max(map(len, found))
    if longest * len(found) - size * sum(map(len, found)) > PADDING:
        raise MisfitError(
            f"some so much longer than others that numpy would fill more than {PADDING >> 20} MiB up with zeros",
            "strings of like length",
        )


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
        # real() holds whole numbers with all their digits, this type may not. numpy itself would compare rounded ones.
        if complex(held) != number and (type(item) is int or (type(item) is str and DIGITS.fullmatch(item.strip()))):
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
        if isinstance(item, np.datetime64):
            found = item.astype("datetime64[ns]")
            if found.astype(item.dtype) != item:  # numpy begins at the other end of the range
                raise MisfitError("a time out of range")
        else:
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
