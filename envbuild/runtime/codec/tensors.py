"""Turn nested JSON lists into a numpy array of the signature's type and shape, or say why they do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ClientError
from .signature import Tensor


def to_array(value: Any, label: str) -> Any:
    """Return nested lists as an array of the type numpy finds; ClientError if the lists are ragged."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ClientError(f"{label}: the nested lists are not of equal length") from None
    except OverflowError:
        raise ClientError(f"{label}: a number is too large") from None
    if array.dtype.kind == "O" and _has(array, (list, dict)):
        raise ClientError(f"{label}: the nested lists are not of equal length, or hold objects")
    return array


def to_tensor(value: Any, tensor: Tensor, label: str) -> Any:
    """Return nested lists as the array that `tensor` asks for.

    Any dimension of the shape may be free. Numbers are converted only if none of them changes.
    """
    array = _shaped(_cast(to_array(value, label), np.dtype(tensor.dtype), label), tensor)
    fits = len(array.shape) == len(tensor.shape) and all(
        want in (-1, have)
        for want, have in zip(tensor.shape, array.shape)  # noqa: B905 (Python 3.9)
    )
    if not fits:
        raise ClientError(f"{label}: the shape is {array.shape}, the model takes {tensor.shape} (-1 is free)")
    return array


def _shaped(array: Any, tensor: Tensor) -> Any:
    """Give an empty list the dimensions that it cannot show."""
    if array.size == 0 and array.ndim < len(tensor.shape) and -1 in tensor.shape:
        return array.reshape([0 if size == -1 else size for size in tensor.shape])
    return array


def _cast(array: Any, dtype: Any, label: str) -> Any:
    have, want = array.dtype.kind, dtype.kind
    if array.size == 0:
        return array.astype(dtype)
    if want in "iu":
        return _whole(array, dtype, label)
    if want in "fc":
        if have == "O" and not _has(array, (str, bytes, bool)):
            # null is the only way to write "not a number" in JSON.
            return array.astype("float64").astype(dtype)
        _expect(have in "iuf", label, "numbers", dtype)
        with np.errstate(over="ignore"):
            cast = array.astype(dtype)
        _expect(bool((np.isfinite(cast) == np.isfinite(array)).all()), label, "numbers of that range", dtype)
        return cast
    if want == "b":
        _expect(have == "b" or (have in "iu" and bool(((array == 0) | (array == 1)).all())), label, "booleans", dtype)
        return array.astype(dtype)
    if want == "M":
        _expect(have == "U", label, "moments in ISO 8601", dtype)
        try:
            # A type without a unit would keep whatever unit each text shows.
            return array.astype(dtype if np.datetime_data(dtype)[0] != "generic" else "datetime64[ns]")
        except ValueError:
            raise ClientError(f"{label}: the model takes moments in ISO 8601 (type {dtype})") from None
    if want in "US":
        _expect(have == "U", label, "strings", dtype)
        return array if want == "U" and dtype.itemsize == 0 else array.astype(dtype)
    return array.astype(dtype)


def _whole(array: Any, dtype: Any, label: str) -> Any:
    limits = np.iinfo(dtype)
    wanted = f"whole numbers from {limits.min} to {limits.max}"
    _expect(array.dtype.kind in "iuf", label, wanted, dtype)
    if array.dtype.kind == "f":
        _expect(bool(np.isfinite(array).all() and (array == np.floor(array)).all()), label, wanted, dtype)
    _expect(limits.min <= int(array.min()) and int(array.max()) <= limits.max, label, wanted, dtype)
    return array.astype(dtype)


def _expect(holds: bool, label: str, wanted: str, dtype: Any) -> None:
    if not holds:
        raise ClientError(f"{label}: the model takes {wanted} (type {dtype})")


def _has(array: Any, types: tuple[type, ...]) -> bool:
    return any(isinstance(value, types) for value in array.ravel())
