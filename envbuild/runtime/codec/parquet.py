"""Tables in Parquet, which pyarrow reads where the image has it. The types of the file's columns are kept."""

from __future__ import annotations

import importlib
import io
from typing import Any

from ..errors import ClientError, InputError
from .signature import Signature
from .tables import Table, check_names

MOST = 1 << 29
"""Bytes that a table may take in memory, if it is not a larger file: a few of them can stand for any number of rows."""
SPREAD = 32
"""How many times as large as its file it may be."""
VALUE = 16
"""Bytes that a value takes at least, roughly: as an array, and as Python has it."""


def parquet_table(body: bytes, signature: Signature, label: str) -> Table:
    """Return the file's columns as arrays or lists. ClientError: 415 without pyarrow, 400 for what is no Parquet."""
    try:
        types = importlib.import_module("pyarrow.types")
        files = importlib.import_module("pyarrow.parquet")
        compute = importlib.import_module("pyarrow.compute")
    except ImportError:
        raise ClientError("Parquet cannot be read: the image has no pyarrow", status=415) from None
    most = max(MOST, SPREAD * len(body))
    try:
        described = files.ParquetFile(io.BytesIO(body))
        size = _described_size(described.metadata)
        if size <= most:
            # Text is left in its dictionary until it is known how much that would be.
            texts = _text_columns(described.schema_arrow, types)
            content = files.ParquetFile(io.BytesIO(body), read_dictionary=texts).read()
            size += sum(_text_size(column, types, compute) for column in content.columns)
    except Exception:  # besides its own errors pyarrow raises OSError, ValueError, KeyError, ...
        raise ClientError(f"{label} is no Parquet that can be read") from None
    if size > most:
        raise InputError(f"{label}: the table would take more than {most >> 20} MiB of memory")
    names = content.column_names
    check_names(names, label, signature.names)
    columns = [_values(column, types) for column in content.columns]
    return Table(names, columns, None, content.num_rows)


def _described_size(metadata: Any) -> int:
    """Return about how many bytes a file's values take, if no text in them is repeated."""
    size = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        size += group.total_byte_size + VALUE * sum(group.column(n).num_values for n in range(group.num_columns))
    return size


def _text_columns(schema: Any, types: Any) -> list[str]:
    """Return the columns that are text or bytes, and not nested in others."""
    kinds = [(field.name, field.type) for field in schema]
    return [name for name, kind in kinds if _is_text(kind.value_type if types.is_dictionary(kind) else kind, types)]


def _text_size(column: Any, types: Any, compute: Any) -> int:
    """Return the bytes of text that a column's entries of a dictionary stand for."""
    size = 0
    for chunk in column.chunks:
        if types.is_dictionary(chunk.type) and _is_text(chunk.type.value_type, types):
            lengths = compute.binary_length(chunk.dictionary).cast("int64")
            size += compute.sum(lengths.take(chunk.indices)).as_py() or 0
    return size


def _is_text(kind: Any, types: Any) -> bool:
    return any(getattr(types, f"is_{name}")(kind) for name in ("string", "binary", "large_string", "large_binary"))


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
