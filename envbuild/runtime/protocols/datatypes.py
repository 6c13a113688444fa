"""The datatypes of the Open Inference protocol, and the check that values are of the one that a request names."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from ..codec.scalars import TOO_LONG, kind_of
from ..errors import ClientError, InputError
from .json_body import loads

WHOLE = {
    **{f"UINT{bits}": (0, (1 << bits) - 1) for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) for bits in (8, 16, 32, 64)},
}
REAL = {"FP16": 65504.0, "FP32": 3.4028234663852886e38, "FP64": 1.7976931348623157e308}
"""The largest number of each."""
PACKED = {"FP16": "<e", "FP32": "<f", "FP64": "<d"}
"""How `struct` writes each."""
EMPTY = 1 << 20
"""The largest product of the sizes other than 0 in the shape of a tensor without elements."""
NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
DTYPES = {
    "BOOL": "bool",
    **{name: name.lower() for name in WHOLE},
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
    "BYTES": "object",
}
"""numpy's names."""
KINDS = {
    "boolean": "BOOL",
    "integer": "INT32",
    "long": "INT64",
    "float": "FP32",
    "double": "FP64",
    "string": "BYTES",
    "binary": "BYTES",
    "datetime": "BYTES",
}
"""MLflow's types of columns."""
_OF_DTYPE = {dtype: name for name, dtype in DTYPES.items()}


def of_dtype(dtype: str) -> str:
    """Return the datatype for numpy's name of a type; text, bytes and moments are BYTES."""
    return _OF_DTYPE.get(dtype, "BYTES")


def flat(data: Any, shape: Sequence[int], label: str) -> list[Any]:
    """Return the elements in row-major order, given so or nested as the shape says; InputError if they do not fit."""
    if not isinstance(data, list):
        if shape:
            raise ClientError(f"{label}: 'data' has to be a list, got {kind_of(data)}")
        return [data]
    # Before the product, which would have as many digits as all the sizes; numpy has at most 32, newer 64.
    if len(shape) > 32:
        raise InputError(f"{label}: the shape is too large")
    count = math.prod(shape)
    # Without elements nothing but this bounds what the shape claims.
    if not count and math.prod(size for size in shape if size) > EMPTY:
        raise InputError(f"{label}: the shape is too large")
    if not any(type(item) is list for item in data):
        if len(data) != count:
            raise InputError(f"{label}: 'data' has {len(data)} elements, the shape {list(shape)} has {count}")
        return data
    level = data
    for depth, size in enumerate(shape):
        parts = [level] if depth == 0 else level
        if any(type(part) is not list or len(part) != size for part in parts):
            raise InputError(f"{label}: the lists in 'data' are not nested as the shape {list(shape)} says")
        level = list(chain.from_iterable(parts))
    return level


def checked(values: list[Any], datatype: str, shape: Sequence[int], label: str) -> list[Any]:
    """Return the values as Python has them for the datatype; InputError names the first that is not of it.

    Whole numbers may be written as 3.0, and have to be exact in a floating-point type. null stands for "not a number"
    and for a string that is missing.
    """
    types = set(map(type, values))
    if datatype == "BYTES":
        return _all(values, lambda value: value is None or type(value) is str, "strings", datatype, shape, label)
    if datatype == "BOOL":
        if types <= {bool}:
            return values
        _all(values, lambda value: type(value) is bool or value in (0, 1), "true and false", datatype, shape, label)
        return list(map(bool, values))
    if datatype in WHOLE:
        low, high = WHOLE[datatype]
        if types <= {int} and (not values or (low <= min(values) and max(values) <= high)):
            return values
        wants = f"whole numbers from {low} to {high}"
        _all(values, lambda value: _is_whole(value) and low <= value <= high, wants, datatype, shape, label)
        return list(map(int, values))
    if datatype == "FP64" and types <= {float}:
        return values
    most = REAL[datatype]
    wants = "numbers" if datatype == "FP64" else f"numbers from {-most:g} to {most:g}"
    _all(values, lambda value: _is_real(value, datatype), wants, datatype, shape, label)
    return [None if value is None else NOT_FINITE[value] if type(value) is str else float(value) for value in values]


def from_base64(values: list[Any], shape: Sequence[int], label: str) -> list[bytes | None]:
    """Return the bytes that base64 texts stand for."""
    found: list[bytes | None] = []

    def fits(value: Any) -> bool:
        try:
            found.append(None if value is None else base64.b64decode(value, validate=True))
        except ValueError:
            return False
        return True

    _all(values, fits, "base64", "BYTES", shape, label)
    return found


def from_json(values: list[Any], shape: Sequence[int], label: str) -> list[Any]:
    """Return the values that JSON texts stand for."""
    found: list[Any] = []

    def fits(value: Any) -> bool:
        try:
            found.append(None if value is None else loads(value.encode("utf-8")))
        except ValueError:  # no JSON, or half of a surrogate pair
            return False
        return True

    _all(values, fits, "JSON texts", "BYTES", shape, label)
    return found


def _is_whole(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def _is_real(value: Any, datatype: str) -> bool:
    if type(value) is float:
        # Infinities and "not a number" are in every range.
        return abs(value) <= REAL[datatype] or not math.isfinite(value)
    if type(value) is int:
        form = PACKED[datatype]
        return _in_range(value, datatype) and int(struct.unpack(form, struct.pack(form, value))[0]) == value
    return value is None or (type(value) is str and value in NOT_FINITE)


def _in_range(value: float, datatype: str) -> bool:
    low, high = WHOLE[datatype] if datatype in WHOLE else (-REAL[datatype], REAL[datatype])
    return low <= value <= high


def _all(
    values: list[Any], fits: Callable[[Any], bool], wants: str, datatype: str, shape: Sequence[int], label: str
) -> list[Any]:
    for number, value in enumerate(values):
        if not fits(value):
            got = kind_of(value)
            if datatype in REAL and type(value) is int and _in_range(value, datatype):
                got = TOO_LONG
            elif type(value) in (int, float) and (datatype in REAL or (datatype in WHOLE and _is_whole(value))):
                got = "a number out of range"
            raise InputError(f"{label}, element {place(number, shape)}: expected {wants} ({datatype}), got {got}")
    return values


def place(number: int, shape: Sequence[int]) -> str:
    """Return the place of an element in a tensor: its row, or its indices from the outermost on."""
    indices = []
    for size in reversed(shape[1:]):
        number, rest = divmod(number, size)
        indices.append(rest)
    return str(number) if not indices else str([number, *reversed(indices)])
