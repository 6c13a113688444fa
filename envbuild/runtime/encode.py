"""Turn what a model answers into JSON.

NaN, infinities and missing values become null, since JSON has no other word for them; moments are ISO 8601,
bytes base64. Tables are lists of records, a named column (Series) a list of one-column records, arrays nested lists.
"""

from __future__ import annotations

import base64
import datetime
import decimal
from typing import Any

import numpy as np
import orjson
import pandas as pd

OPTIONS = orjson.OPT_NON_STR_KEYS


def encode(value: Any) -> bytes:
    """Return a prediction as JSON; TypeError if it holds something that has no form in JSON."""
    return bytes(orjson.dumps(plain(value), default=plain, option=OPTIONS))


def plain(value: Any) -> Any:
    """Return the nearest value that JSON knows, one level deep where the rest is made so on demand."""
    # numpy first: its float64 is a float too, which orjson does not take.
    if isinstance(value, (np.ndarray, np.generic)):
        return _array(value)
    if isinstance(value, (str, int, float, type(None))):
        return value
    if isinstance(value, pd.DataFrame):
        return _records(value)
    if isinstance(value, pd.Series):
        return _records(value.to_frame())
    if isinstance(value, (pd.Timestamp, datetime.datetime, datetime.date, datetime.time)):
        return None if value is pd.NaT else value.isoformat()
    if value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {_key(key): item for key, item in value.items()}
    if isinstance(value, list):
        return value
    return _other(value)


def _records(frame: Any) -> list[dict[str, Any]]:
    frame = frame.set_axis([_key(name) for name in frame.columns], axis="columns")
    return list(frame.to_dict(orient="records"))


def _array(value: Any) -> Any:
    if value.dtype.kind == "M":
        texts = np.datetime_as_string(value)
        return np.where(np.isnat(value), None, texts).tolist()
    return value.tolist()


def _key(key: Any) -> Any:
    if isinstance(key, tuple):
        return "_".join(map(str, key))
    if isinstance(key, pd.Timestamp):
        return key.isoformat()
    return key.item() if isinstance(key, np.generic) else key


def _other(value: Any) -> Any:
    if isinstance(value, (tuple, set, frozenset)):
        return list(value)
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, (pd.Index, pd.api.extensions.ExtensionArray)):
        return list(value)
    if isinstance(value, (datetime.timedelta, pd.Timedelta)):
        return None if pd.isna(value) else value.total_seconds()
    # Tensors of torch (detach) and TensorFlow (numpy), sparse matrices, pydantic models.
    for method in ("detach", "toarray", "numpy", "model_dump", "tolist"):
        convert = getattr(value, method, None)
        if callable(convert):
            return convert()
    raise TypeError(f"A value of type {type(value).__module__}.{type(value).__qualname__} has no form in JSON.")
