"""What a model answers, as tensors of the Open Inference protocol.

A DataFrame gives a tensor for each column, an object one for each key, everything else a single one. "Not a number" and
infinities are null, since JSON has no word for them. Moments are RFC 3339 in UTC, bytes base64, lists of unequal
length and objects JSON texts, each of them BYTES with a content_type.
"""

from __future__ import annotations

import base64
import datetime
import decimal
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..codec.encode import encode
from ..codec.lists import objects
from ..codec.plain import plain
from .datatypes import of_dtype

SCALARS = (str, bytes, bytearray, bool, int, float, datetime.date, np.generic, type(None))


def tensors(result: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return name, datatype, shape and data (row-major) of each output; `names` are those of the signature."""
    result = _known(result)
    if isinstance(result, pd.DataFrame):
        columns = _unique([_text(name) for name in result.columns])
        return [_tensor(name, result.iloc[:, number]) for number, name in enumerate(columns)]
    if isinstance(result, dict):
        return [_tensor(name, value) for name, value in zip(_unique([_text(key) for key in result]), result.values())]  # noqa: B905
    if isinstance(result, list) and result and all(isinstance(item, dict) for item in result) and _is_flat(result):
        return tensors(pd.DataFrame(result, dtype=object), names)
    if isinstance(result, list) and len(result) == len(names) > 1 and all(hasattr(item, "shape") for item in result):
        return [_tensor(name, value) for name, value in zip(names, result)]  # noqa: B905 (Python 3.9)
    if isinstance(result, pd.Series) and result.name is not None:
        return [_tensor(_text(result.name), result)]
    return [_tensor(names[0] if len(names) == 1 else "output-0", result)]


def _known(result: Any) -> Any:
    """Return something that is a table, an array, a list, an object or a scalar."""
    while not isinstance(result, (pd.DataFrame, pd.Series, np.ndarray, dict, list, *SCALARS)):
        result = plain(result)
    return result


def _is_flat(records: Sequence[Mapping[Any, Any]]) -> bool:
    keys = records[0].keys()
    return all(
        record.keys() == keys and all(isinstance(value, SCALARS) for value in record.values()) for record in records
    )


def _tensor(name: str, value: Any) -> dict[str, Any]:
    datatype, shape, data, content = _contents(_known(value))
    tensor: dict[str, Any] = {"name": name, "datatype": datatype, "shape": shape}
    if content:
        tensor["parameters"] = {"content_type": content}
    return {**tensor, "data": data}


def _contents(value: Any) -> tuple[str, list[int], list[Any], str | None]:
    """Return datatype, shape, data and what BYTES hold, if that is not text."""
    if isinstance(value, pd.Series):
        value = value.to_numpy()
    if isinstance(value, (dict, pd.DataFrame)):
        return "BYTES", [1], [encode(value).decode()], "json"
    if isinstance(value, SCALARS) and not isinstance(value, np.generic):
        value = [bytes(value) if isinstance(value, bytearray) else value]
    try:
        # numpy would make all texts of a list as long as the longest.
        array = objects(value) if isinstance(value, list) and _has_text(value) else np.asarray(value)
    except ValueError:
        array = objects(value)
    if isinstance(value, list) and array.dtype.kind in "US":
        # numpy makes text of numbers that stand beside text.
        array = np.asarray(value, dtype=object)
    array = array.reshape(1) if array.ndim == 0 else array
    shape = list(array.shape)
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype("float64")
    if array.dtype.kind in "biuf":
        return of_dtype(array.dtype.name), shape, array.ravel().tolist(), None
    if array.dtype.kind == "m":
        return "FP64", shape, (array / np.timedelta64(1, "s")).ravel().tolist(), None
    flat = [_missing(cell) for cell in array.ravel()]
    # Lists of equal length in a column are a tensor of more dimensions.
    if flat and all(isinstance(cell, (list, tuple, np.ndarray)) for cell in flat):
        stacked = _stacked(flat)
        if stacked is not None:
            return _contents(stacked)
    return _mixed(flat, shape)


def _mixed(cells: list[Any], shape: list[int]) -> tuple[str, list[int], list[Any], str | None]:
    """Return the contents of cells of Python's own types."""
    cells = [
        cell.item() if isinstance(cell, np.generic) and not isinstance(cell, np.datetime64) else cell for cell in cells
    ]
    there = [cell for cell in cells if cell is not None]
    types = set(map(type, there))
    if types == {bool} and len(there) == len(cells):
        return ("BOOL", shape, cells, None)
    if types and types <= {int, float, decimal.Decimal}:
        whole = types == {int} and len(there) == len(cells) and all(-(1 << 63) <= cell < 1 << 63 for cell in there)
        numbers = cells if whole else [None if cell is None else float(cell) for cell in cells]
        return ("INT64" if whole else "FP64"), shape, numbers, None
    if types <= {str}:
        return "BYTES", shape, cells, None
    if types <= {bytes, bytearray}:
        texts = [None if cell is None else base64.b64encode(cell).decode("ascii") for cell in cells]
        return "BYTES", shape, texts, "base64"
    if all(isinstance(cell, (datetime.date, np.datetime64)) for cell in there):
        return "BYTES", shape, [None if cell is None else _moment(cell) for cell in cells], "datetime"
    return "BYTES", shape, [None if cell is None else encode(cell).decode() for cell in cells], "json"


def _moment(cell: Any) -> str:
    """Return a moment as RFC 3339 in UTC, a date without a time as it is."""
    if isinstance(cell, np.datetime64):
        unit = np.datetime_data(cell.dtype)[0]
        text = str(np.datetime_as_string(cell, unit="s" if unit in ("Y", "M", "W", "D", "h", "m") else unit))
    elif isinstance(cell, datetime.datetime):
        zoned = cell.tzinfo is not None
        text = (cell.astimezone(datetime.timezone.utc).replace(tzinfo=None) if zoned else cell).isoformat()
    else:
        return str(cell.isoformat())
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "Z"


def _missing(cell: Any) -> Any:
    if cell is pd.NA or cell is pd.NaT or (isinstance(cell, (float, np.datetime64)) and cell != cell):
        return None
    return cell


def _stacked(cells: list[Any]) -> Any:
    try:
        array = np.stack([np.asarray(cell) for cell in cells])
    except ValueError:
        return None
    return array if array.dtype.kind in "biufUM" else None


def _has_text(values: Sequence[Any]) -> bool:
    return any(isinstance(value, (str, bytes)) for value in values)


def _text(name: Any) -> str:
    return "_".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _unique(names: list[str]) -> list[str]:
    """Return the names with a number behind those that were there before."""
    found: list[str] = []
    for name in names:
        number, candidate = 0, name
        while candidate in found:
            number += 1
            candidate = f"{name}-{number}"
        found.append(candidate)
    return found
