"""Cast one column of JSON values to the type of the signature, or say which value does not fit.

Nothing is changed silently: 2.5 for a whole number, "false" for a boolean or a number out of range is refused.
Types and pandas dtypes: mlflow.types.DataType.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ClientError

ISO_8601 = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|z|[+-]\d\d(?::?\d\d)?)?)?\Z", re.ASCII
)
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def cast_column(values: list[Any], kind: str, label: str) -> Any:
    """Return the values as a numpy array of the type MLflow names `kind`; ClientError names `label` and the row.

    Unknown and nested kinds (array, object, map, any) are given on as they are; MLflow checks those itself.
    """
    return _CASTS.get(kind, _objects)(values, kind, label)


def shown(value: Any) -> str:
    """Return a value as short JSON, for messages."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _refuse(values: list[Any], fits: Callable[[Any], bool], kind: str, label: str, wants: str) -> ClientError:
    row = next(number for number, value in enumerate(values) if not fits(value))
    return ClientError(f"{label}, row {row}: {shown(values[row])} is not {wants} (type {kind})")


def _whole(values: list[Any], kind: str, label: str) -> Any:
    low, high = (-(1 << 31), (1 << 31) - 1) if kind == "integer" else (-(1 << 63), (1 << 63) - 1)

    def fits(value: Any) -> bool:
        whole = type(value) is int or (type(value) is float and value.is_integer())
        return whole and low <= int(value) <= high

    if not set(map(type, values)) <= {int} or (values and not (low <= min(values) and max(values) <= high)):
        if not all(map(fits, values)):
            raise _refuse(values, fits, kind, label, f"a whole number from {low} to {high}")
        values = [int(value) for value in values]
    return np.array(values, dtype="int32" if kind == "integer" else "int64")


def _real(values: list[Any], kind: str, label: str) -> Any:
    def fits(value: Any) -> bool:
        return value is None or type(value) in (int, float) or (type(value) is str and value in NOT_FINITE)

    kinds = set(map(type, values))
    if not kinds <= {int, float, type(None)}:
        if not all(map(fits, values)):
            raise _refuse(values, fits, kind, label, "a number")
        values = [NOT_FINITE[value] if type(value) is str else value for value in values]
    try:
        array = np.array(values, dtype="float64")
        if kind == "double":
            return array
        with np.errstate(over="raise"):
            return array.astype("float32")
    except (OverflowError, FloatingPointError):
        raise ClientError(f"{label}: a number is too large (type {kind})") from None


def _boolean(values: list[Any], kind: str, label: str) -> Any:
    def fits(value: Any) -> bool:
        return type(value) is bool or (type(value) is int and value in (0, 1))

    if not all(map(fits, values)):
        raise _refuse(values, fits, kind, label, "true or false")
    return np.array(values, dtype="bool")


def _text(values: list[Any], kind: str, label: str) -> Any:
    def fits(value: Any) -> bool:
        return value is None or type(value) is str

    if not all(map(fits, values)):
        raise _refuse(values, fits, kind, label, "a string")
    return _objects(values, kind, label)


def _binary(values: list[Any], kind: str, label: str) -> Any:
    def decoded(value: Any) -> Any:
        return None if value is None else base64.b64decode(value, validate=True)

    def fits(value: Any) -> bool:
        try:
            decoded(value)
        except (TypeError, ValueError):
            return False
        return value is None or type(value) is str

    if not all(map(fits, values)):
        raise _refuse(values, fits, kind, label, "base64")
    return _objects([decoded(value) for value in values], kind, label)


def _datetime(values: list[Any], kind: str, label: str) -> Any:
    def moment(value: Any) -> Any:
        if value is None:
            return np.datetime64("NaT", "ns")
        stamp = pd.Timestamp(value.replace(",", "."))
        # MLflow's datetime has no time zone: a zoned moment is taken in UTC.
        return (stamp.tz_convert("UTC").tz_localize(None) if stamp.tzinfo else stamp).to_datetime64()

    def fits(value: Any) -> bool:
        if value is None:
            return True
        if type(value) is not str or not ISO_8601.match(value):
            return False
        try:
            moment(value).astype("datetime64[ns]")
            return bool(1678 <= pd.Timestamp(value.replace(",", ".")).year <= 2261)
        except ValueError:
            return False

    if not all(map(fits, values)):
        wants = "a moment in ISO 8601, such as 2024-05-31T12:00:00, from 1678 to 2261"
        raise _refuse(values, fits, kind, label, wants)
    return np.array([moment(value) for value in values], dtype="datetime64[ns]")


def _objects(values: list[Any], kind: str, label: str) -> Any:
    # Filled one by one: numpy would make a two-dimensional array of lists of equal length.
    array = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        array[row] = value
    return array


_CASTS: dict[str, Callable[[list[Any], str, str], Any]] = {
    "boolean": _boolean,
    "integer": _whole,
    "long": _whole,
    "float": _real,
    "double": _real,
    "string": _text,
    "binary": _binary,
    "datetime": _datetime,
}
