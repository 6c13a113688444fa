"""Nested JSON lists to a numpy array of the signature's type and shape, or why they do not fit.

Arrays of numbers are checked and converted as a whole; only what holds something else is looked at one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from . import elements, lists
from .scalars import MisfitError
from .signature import Tensor


def to_array(value: Any, label: str) -> Any:
    """Return nested lists as an array of the type that numpy finds. InputError if the lists are ragged."""
    items, shape = lists.flatten(value, label)
    if items and {str}.issuperset(map(type, items)):
        return lists.texts(items, shape)
    return lists.as_array(items, shape)


def to_tensor(value: Any, tensor: Tensor, label: str) -> Any:
    """Return nested lists, or an array, as the array that `tensor` asks for.

    Any dimension of the shape may be free. Numbers are converted only if none of them changes. InputError names the
    element that does not fit, or the shape.
    """
    dtype = np.dtype(tensor.dtype)
    items: list[Any] | None = None
    if hasattr(value, "dtype"):
        array = value
    elif dtype.kind == "O":
        array = np.asarray(value, dtype=object)
    else:
        items, shape = lists.flatten(value, label)
        array = lists.as_array(items, shape)
    if array.size == 0:
        array = _shaped(array.astype(dtype), tensor)
    _check_shape(array.shape, tensor, label)
    try:
        return elements.cast(array, items, dtype)
    except MisfitError as problem:
        at = f" at {problem.path}" if problem.path else ""
        raise InputError(f"{label}{at}: expected {problem.wanted} ({tensor.dtype}), got {problem.got}") from None


def _check_shape(shape: tuple[int, ...], tensor: Tensor, label: str) -> None:
    wanted = tensor.shape
    # zip is not strict before Python 3.10; the lengths are compared first.
    if len(shape) != len(wanted) or any(want not in (-1, have) for want, have in zip(wanted, shape)):  # noqa: B905
        raise InputError(f"{label}: the shape is {shape}, the model takes {wanted} (-1 is free)")


def _shaped(array: Any, tensor: Tensor) -> Any:
    """Give an empty list the dimensions that it cannot show; those that it shows are its own."""
    if array.ndim < len(tensor.shape) and -1 in tensor.shape:
        return array.reshape([*array.shape, *(0 if size == -1 else size for size in tensor.shape[array.ndim :])])
    return array
