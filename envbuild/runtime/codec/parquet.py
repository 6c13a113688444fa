"""Tables in Parquet, which pyarrow reads where the image has it. The types of the file's columns are kept."""

from __future__ import annotations

import importlib
import io
from typing import Any

from ..errors import ClientError
from .signature import Signature
from .tables import Table, check_names


def parquet_table(body: bytes, signature: Signature, label: str) -> Table:
    """Return the file's columns as arrays or lists. ClientError: 415 without pyarrow, 400 for what is no Parquet."""
    try:
        types = importlib.import_module("pyarrow.types")
        files = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise ClientError("Parquet cannot be read: the image has no pyarrow", status=415) from None
    try:
        content = files.read_table(io.BytesIO(body))
    except Exception:  # besides its own errors pyarrow raises OSError, ValueError, KeyError, ...
        raise ClientError(f"{label} is no Parquet that can be read") from None
    names = content.column_names
    check_names(names, label, signature.names)
    columns = [_values(column, types) for column in content.columns]
    return Table(names, columns, None, content.num_rows)


def _values(column: Any, types: Any) -> Any:
    kind = column.type
    if types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if types.is_timestamp(kind) or types.is_date(kind):
        # pyarrow's Python values would lose the nanoseconds. Moments with a zone are kept in UTC.
        return column.to_numpy()
    numeric = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    if numeric and not column.null_count:
        return column.to_numpy()
    return column.to_pylist()
