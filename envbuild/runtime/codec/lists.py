"""Nested lists of JSON taken apart, and put together as an array.

numpy's own conversion is not asked: beside one long string it would make every element of an array as long, write
numbers as text, and drop zeros at the end of a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from ..errors import InputError
from .scalars import kind_of

DIMENSIONS = 32
"""The most that numpy has; newer have 64."""
PADDING = 1 << 26
"""Bytes that an array of text may take beyond its texts: numpy makes all of them as long as the longest."""
SAME = {float: "float64", int: "int64", bool: "bool"}
"""Types whose arrays are made faster where nothing else is among them."""
NUMBERS = (bool, int, float, np.bool_, np.number)
SINGLE = frozenset({str, bytes, bool, int, float, dict, type(None)})
"""Types that numpy does not take for rows of an array."""


def flatten(value: Any, label: str) -> tuple[list[Any], tuple[int, ...]]:
    """Return the elements of nested lists in row-major order, and the shape; InputError if the lists are ragged."""
    shape: list[int] = []
    level: list[Any] = [value]
    while level:
        kinds = set(map(type, level))
        if list not in kinds:
            break
        if len(kinds) > 1 or len(set(map(len, level))) > 1:
            raise InputError(_ragged(value, label))
        if len(shape) == DIMENSIONS:
            raise InputError(f"{label}: the lists are nested more than {DIMENSIONS} deep")
        shape.append(len(level[0]))
        level = list(chain.from_iterable(level))
    return level, tuple(shape)


def as_array(items: list[Any], shape: Sequence[int]) -> Any:
    """Return elements as an array: numbers in the type that numpy finds for them, anything else as objects."""
    kinds = set(map(type, items))
    if not all(issubclass(kind, NUMBERS) for kind in kinds):
        return objects(items).reshape(shape)
    try:
        array = np.array(items, dtype=SAME.get(kinds.pop()) if len(kinds) == 1 else None)
    except OverflowError:
        array = objects(items)
    return array.reshape(shape)


def texts(items: list[str], shape: Sequence[int]) -> Any:
    """Return strings as numpy has them, or as objects where it would change them or take far more memory."""
    padded = max(map(len, items), default=0) * len(items) - sum(map(len, items))
    if 4 * padded > PADDING or any(item.endswith("\0") for item in items):
        return objects(items).reshape(shape)
    return np.array(items, dtype=str).reshape(shape)


def objects(items: Sequence[Any]) -> Any:
    """Return elements as an array of objects of one dimension, whatever they are."""
    array = np.empty(len(items), dtype=object)
    if SINGLE.issuperset(map(type, items)):
        array[:] = items
    else:
        for number, item in enumerate(items):
            array[number] = item
    return array


def listed(array: Any) -> list[Any]:
    """Return the elements of an array as Python has them; moments stay numpy's, with their unit."""
    if array.dtype.kind not in "mM":
        return list(array.ravel().tolist())
    return [None if np.isnat(item) else item for item in array.ravel()]


def _ragged(value: Any, label: str) -> str:
    """Say where nested lists are not of equal length."""
    shape = []
    first = value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    # Lists of one level with the place of each: as many as the tensor has rows, not elements.
    level: list[tuple[str, Any]] = [("", value)]
    for depth, length in enumerate(shape):
        for path, part in level:
            if not isinstance(part, list) or len(part) != length:
                got = f"a list of {len(part)}" if isinstance(part, list) else kind_of(part)
                return f"{label}{path}: the nested lists differ: expected a list of {length}, got {got}"
        if depth + 1 < len(shape):
            level = [(f"{path}[{n}]", item) for path, part in level for n, item in enumerate(part)]
    return f"{label}: the nested lists are not of equal depth"
