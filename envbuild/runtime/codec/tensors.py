"""Nested JSON lists to a numpy array of the signature's type and shape, or why they do not fit.

Arrays of numbers are checked and converted as a whole; only what holds something else is looked at one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from . import elements
from .scalars import MisfitError, kind_of
from .signature import Tensor


def to_array(value: Any, label: str) -> Any:
    """Return nested lists as an array of the type that numpy finds. InputError if the lists are ragged."""
    array = _array(value, label)
    if array.dtype.kind == "U":
        # numpy would write numbers among strings as text.
        array = elements.objects(value, array.shape) if not _all(value, str) else array
    return array


def to_tensor(value: Any, tensor: Tensor, label: str) -> Any:
    """Return nested lists, or an array, as the array that `tensor` asks for.

    Any dimension of the shape may be free. Numbers are converted only if none of them changes. InputError names the
    element that does not fit, or the shape.
    """
    if hasattr(value, "dtype"):
        array = value
    elif np.dtype(tensor.dtype).kind == "O":
        array = elements.objects(value, None)
    else:
        array = _array(value, label)
    if array.size == 0:
        array = _shaped(array.astype(np.dtype(tensor.dtype)), tensor)
    _check_shape(array.shape, tensor, label)
    try:
        return elements.cast(array, value, np.dtype(tensor.dtype))
    except MisfitError as problem:
        at = f" at {problem.path}" if problem.path else ""
        raise InputError(f"{label}{at}: expected {problem.wanted} ({tensor.dtype}), got {problem.got}") from None


def _array(value: Any, label: str) -> Any:
    try:
        array = np.asarray(value)
    except ValueError:
        array = None
    except OverflowError:
        raise InputError(f"{label}: a number is out of range") from None
    # Older numpy makes an array of lists from ragged ones.
    if array is None or (array.dtype.kind == "O" and any(isinstance(cell, list) for cell in array.ravel())):
        raise InputError(_ragged(value, label))
    return array


def _check_shape(shape: tuple[int, ...], tensor: Tensor, label: str) -> None:
    wanted = tensor.shape
    # zip is not strict before Python 3.10; the lengths are compared first.
    if len(shape) != len(wanted) or any(want not in (-1, have) for want, have in zip(wanted, shape)):  # noqa: B905
        raise InputError(f"{label}: the shape is {shape}, the model takes {wanted} (-1 is free)")


def _shaped(array: Any, tensor: Tensor) -> Any:
    """Give an empty list the dimensions that it cannot show."""
    if array.ndim < len(tensor.shape) and -1 in tensor.shape:
        return array.reshape([0 if size == -1 else size for size in tensor.shape])
    return array


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


def _all(value: Any, kind: type) -> bool:
    if isinstance(value, list):
        return all(_all(item, kind) for item in value)
    return isinstance(value, kind)
