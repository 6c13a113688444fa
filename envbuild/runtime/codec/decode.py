"""Turn the value of a request into what the model takes: a DataFrame, an array, or named arrays.

The signature decides: columns make a DataFrame, tensors arrays. Without one, tables and lists of objects make a
DataFrame, other lists an array, other objects named arrays, as MLflow's and Azure ML's servers do.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from .csv_text import csv_table
from .frames import to_frame
from .lists import listed
from .nested import NESTED
from .parquet import parquet_table
from .scalars import kind_of
from .signature import Signature
from .tables import Table, mapping_table, records_table, rows_table, split_table
from .tensors import to_array, to_tensor

SPLIT_KEYS = frozenset({"columns", "index", "data"})


def decode(payload: Any, signature: Signature, label: str, form: str = "any") -> Any:
    """Return the model's input for a payload, as `Call` describes it. ClientError says what does not fit."""
    return build(read(payload, signature, label, form), signature, label)


def read(payload: Any, signature: Signature, label: str, form: str = "any") -> Any:
    """Return the payload as a Table where it is one, else as it is. The values of JSON are not looked at."""
    if form == "split":
        return split_table(payload, label, signature.names)
    if form == "raw" or (form == "any" and signature.typed):
        return Raw(payload)
    if form == "csv":
        return csv_table(payload, signature, label)
    if form == "parquet":
        return parquet_table(payload, signature, label)
    if form == "any" and isinstance(payload, str) and not (signature.columns or signature.tensors):
        payload = _written(payload)
    if form == "any" and _is_split(payload, signature):
        return split_table(payload, label, signature.names)
    if form == "records" or _is_records(payload, signature):
        return records_table(payload, label, signature.names)
    if signature.columns:
        return _loose_table(payload, signature, label)
    return payload


def build(content: Any, signature: Signature, label: str) -> Any:
    """Return the model's input for what `read` gave; a DataFrame that `read` gave stays as it is."""
    if isinstance(content, Table):
        return _from_table(content, signature, label)
    if isinstance(content, Raw):
        return content.value
    if signature.tensors:
        return _tensors(content, signature, label)
    if isinstance(content, dict):
        # The names are the caller's own, and not for messages.
        return {name: to_array(value, f"{label}, entry {n}") for n, (name, value) in enumerate(content.items())}
    return to_array(content, label) if isinstance(content, list) else content


@dataclass(frozen=True)
class Raw:
    """A value that the model takes as it is."""

    value: Any


def _written(text: str) -> Any:
    """Return the list or object that a text is the JSON of, as Azure ML's script does; other texts as they are."""
    if text.lstrip()[:1] in ("[", "{"):
        with suppress(ValueError, RecursionError):
            return json.loads(text)
    return text


def _is_split(payload: Any, signature: Signature) -> bool:
    return (
        isinstance(payload, dict)
        and (isinstance(payload.get("data"), list) or {"data", "columns"} <= payload.keys())
        and SPLIT_KEYS.issuperset(payload)
        # Columns may be called like the keys of a split table; then those that are given tell.
        and not set(payload) <= set(signature.names) <= SPLIT_KEYS
    )


def _is_records(payload: Any, signature: Signature) -> bool:
    if not isinstance(payload, list) or not payload or not all(isinstance(item, dict) for item in payload):
        return False
    return len(signature.columns) != 1 or bool(signature.names)


def _is_one_row(payload: dict[str, Any], signature: Signature) -> bool:
    """Tell whether an object can be no columns: one of lists would hold lists. So a chat's messages are written."""
    arrays = [payload.get(column.name or "") for column in signature.columns if column.type == "array"]
    return any(
        any(item is not None for item in values) and not any(isinstance(item, list) for item in values)
        for values in arrays
        if isinstance(values, list)
    )


def _loose_table(payload: Any, signature: Signature, label: str) -> Table:
    """Read a table from an object of columns, a list of rows, or the values of a single column."""
    nested = len(signature.columns) == 1 and signature.columns[0].type in NESTED
    if isinstance(payload, dict) and not (nested and not signature.names):
        if _is_one_row(payload, signature):
            return records_table([payload], label, signature.names)
        return mapping_table(payload, label, signature.names)
    if isinstance(payload, list):
        if payload and all(isinstance(row, list) for row in payload) and not nested:
            return rows_table(payload, label)
        if len(signature.columns) == 1 or not payload:
            columns = [payload] if len(signature.columns) == 1 else [[] for _ in signature.columns]
            return Table(None, columns, None, len(payload))
        raise InputError(f"{label} has to be a table: a list of rows, or an object with 'columns' and 'data'")
    if len(signature.columns) == 1:
        return Table(None, [[payload]], None, 1)
    raise InputError(
        f"{label} has to be a table: an object with 'columns' and 'data', or a list of objects; got {kind_of(payload)}"
    )


def _from_table(table: Table, signature: Signature, label: str) -> Any:
    if not signature.tensors:
        return to_frame(table, signature, label)
    columns = [values if isinstance(values, list) else listed(values) for values in table.columns]
    if signature.names and table.names is not None:
        return _tensors(dict(zip(map(str, table.names), columns)), signature, label)  # noqa: B905 (Python 3.9)
    return _tensors(list(map(list, zip(*columns))), signature, label)  # noqa: B905


def _tensors(payload: Any, signature: Signature, label: str) -> Any:
    tensors = signature.tensors
    single = hasattr(payload, "dtype") or isinstance(payload, list)
    if not signature.names:
        if not single:
            raise InputError(f"{label} has to be a list: a tensor of shape {tensors[0].shape}, got {kind_of(payload)}")
        return to_tensor(payload, tensors[0], label)
    if single and len(tensors) == 1:
        payload = {tensors[0].name: payload}
    if not isinstance(payload, dict):
        raise InputError(f"{label} has to be an object with the tensors {', '.join(map(repr, signature.names))}")
    missing = [tensor.name for tensor in tensors if tensor.name not in payload]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        raise InputError(f"{label}: missing tensor{plural} {', '.join(map(repr, missing))}")
    return {tensor.name: to_tensor(payload[tensor.name], tensor, f"{label}[{tensor.name!r}]") for tensor in tensors}
