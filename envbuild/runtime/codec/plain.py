"""Turn what a model or script answers into values that JSON knows.

Moments become ISO 8601, bytes base64, missing values null. Tables are lists of records, a named column (Series) a
list of one-column records, arrays nested lists. numpy and pandas are not imported here: a script may live without
them, and what is not imported is not answered.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import sys
from typing import Any


def plain(value: Any) -> Any:
    """Return the nearest value that JSON knows, one level deep; what lies below is made so on demand."""
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    # numpy first: its float64 is a float too, which orjson does not take.
    if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
        return _array(value, numpy)
    if isinstance(value, (str, int, float, list, type(None))):
        return value
    if isinstance(value, dict):
        return {_key(key): item for key, item in value.items()}
    if pandas is not None:
        if isinstance(value, pandas.DataFrame):
            return _records(value)
        if isinstance(value, pandas.Series):
            return _records(value.to_frame())
        if value is pandas.NaT or value is pandas.NA:
            return None
        if isinstance(value, (pandas.Index, pandas.api.extensions.ExtensionArray)):
            return list(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return _other(value)


def _records(frame: Any) -> list[dict[str, Any]]:
    frame = frame.set_axis([_key(name) for name in frame.columns], axis="columns")
    return list(frame.to_dict(orient="records"))


def _array(value: Any, numpy: Any) -> Any:
    if value.dtype.kind == "M":
        return numpy.where(numpy.isnat(value), None, numpy.datetime_as_string(value)).tolist()
    return value.tolist()


def _key(key: Any) -> Any:
    """Return a key that JSON writers take; numbers they turn to text themselves."""
    if isinstance(key, tuple):
        return "_".join(map(str, key))
    if isinstance(key, datetime.datetime):
        return key.isoformat()
    numpy = sys.modules.get("numpy")
    return key.item() if numpy is not None and isinstance(key, numpy.generic) else key


def _other(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (tuple, set, frozenset)):
        return list(value)
    if isinstance(value, decimal.Decimal):
        return float(value)
    # Tensors of torch (detach) and TensorFlow (numpy), sparse matrices, pydantic models.
    for method in ("detach", "toarray", "numpy", "model_dump", "tolist"):
        convert = getattr(value, method, None)
        if callable(convert):
            converted = convert()
            return converted.tolist() if method == "detach" else converted
    raise TypeError(f"A value of type {type(value).__module__}.{type(value).__qualname__} has no form in JSON.")
