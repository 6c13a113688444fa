"""Turn what a model or script answers into values that JSON knows.

Times become ISO 8601, bytes base64, missing values null. Tables are lists of records, a named column (Series) a list
of one-column records, arrays nested lists. numpy and pandas are not imported here: a script may live without them,
and what is not imported is not answered. What has no form in JSON is a TypeError.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import math
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

SIMPLE = frozenset({str, int, float, bool, list})
NUMBERS = frozenset("bhilqBHILQefd?")
"""numpy's types whose arrays become lists of Python's own numbers."""
CONVERTERS = ("detach", "toarray", "numpy", "model_dump", "to_pylist", "to_dicts", "tolist", "dict")
"""Methods of tensors of torch and TensorFlow, sparse matrices, pydantic models, tables of pyarrow and polars."""


def plain(value: Any) -> Any:
    """Return the nearest value that JSON knows, one level deep; what lies below is made so on demand."""
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    # numpy first: its float64 is a float too, which orjson does not take.
    if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
        return _array(value, numpy)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return {key_text(key): item for key, item in value.items()}
    if value is None or type(value) in SIMPLE:
        return value
    kinds: tuple[type[Any], ...] = (str, int, float, list)
    for kind in kinds:
        if isinstance(value, kind):
            return kind(value)  # of a subclass JSON has the value
    if pandas is not None:
        if isinstance(value, pandas.DataFrame):
            return records(value)
        if isinstance(value, pandas.Series):
            return records(value.to_frame())
        if value is pandas.NaT or value is pandas.NA:
            return None
        if isinstance(value, (pandas.Index, pandas.api.extensions.ExtensionArray)):
            return list(value)
        if isinstance(value, (pandas.Period, pandas.Interval)):
            return str(value)
    return _other(value)


def records(frame: Any) -> list[dict[str, Any]]:
    """Return the rows of a DataFrame by column name; their cells may still need to be made plain."""
    names = [key_text(name) for name in frame.columns]
    if not names:
        return [{} for _ in range(len(frame))]
    types = set(frame.dtypes)
    if len(types) == 1 and getattr(types.pop(), "char", "") in NUMBERS:
        rows = frame.to_numpy().tolist()
    else:
        rows = zip(*[_cells(column) for _, column in frame.items()])  # noqa: B905 (Python 3.9)
    return [dict(zip(names, row)) for row in rows]  # noqa: B905


def tree(value: Any, before: Callable[[Any], Any] = lambda value: value) -> Any:
    """Return the value as dicts with text for keys, lists, text, numbers, booleans and None, all the way down.

    NaN and infinities are None: JSON has no other word for them. `before` may replace what is not plain yet.
    """
    if type(value) in (str, int, bool, type(None)):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else None
    if type(value) is dict:
        return {key_text(key): tree(item, before) for key, item in value.items()}
    if type(value) in (list, tuple):
        return [tree(item, before) for item in value]
    return tree(plain(before(value)), before)


def key_text(key: Any) -> str:
    """Return the name of a member of a JSON object for a key of any kind."""
    if type(key) is str:
        return key
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(key, numpy.generic):
        key = key.item()
    if isinstance(key, enum.Enum):
        key = key.value
    if key is None or key is True or key is False:
        return {None: "null", True: "true", False: "false"}[key]
    if isinstance(key, tuple):
        return "_".join(map(str, key))
    if isinstance(key, (datetime.date, datetime.time)):
        return key.isoformat()
    if isinstance(key, (bytes, bytearray)):
        return base64.b64encode(key).decode("ascii")
    return str(key)


def _cells(column: Any) -> list[Any]:
    cells: list[Any] = column.tolist()
    if column.dtype.kind in "mM":
        # Their missing value is no None, and would be asked for its parts.
        return [None if missing else cell for cell, missing in zip(cells, column.isna())]  # noqa: B905
    return cells


def _array(value: Any, numpy: Any) -> Any:
    kind = value.dtype.kind
    if kind == "M":
        return numpy.where(numpy.isnat(value), None, numpy.datetime_as_string(value)).tolist()
    if kind == "m":
        return (value / numpy.timedelta64(1, "s")).tolist()
    if kind == "f" and value.dtype.itemsize > 8:
        return value.astype("float64").tolist()  # long double: `tolist` keeps numpy's type
    return value.tolist()


def _other(value: Any) -> Any:
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, decimal.Decimal):
        exponent = value.as_tuple().exponent  # a letter for what is not finite
        return int(value) if isinstance(exponent, int) and exponent >= 0 else float(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key_text(key): item for key, item in value.items()}
    if not isinstance(value, type):
        for method in CONVERTERS:
            convert = getattr(value, method, None)
            if callable(convert):
                converted = convert()
                return converted.tolist() if method == "detach" else converted
    if isinstance(value, Iterable) and not isinstance(value, type):
        return list(value)  # tuples, sets, generators, ...
    raise TypeError(f"A value of type {type(value).__module__}.{type(value).__qualname__} has no form in JSON.")
