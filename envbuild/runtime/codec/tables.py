"""Tables in JSON, split or as records, to columns of values, and those to a DataFrame by the signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..errors import ClientError
from .columns import cast_column
from .signature import Signature


@dataclass(frozen=True)
class Table:
    """Columns of JSON values, all of the same length."""

    names: list[Any] | None
    """None if the request names no columns."""
    columns: list[list[Any]]
    index: list[Any] | None = None
    rows: int = 0
    gaps: tuple[tuple[Any, int], ...] = ()
    """For records: the names that not every record has, with the first row that lacks each."""


def split_table(payload: Any, label: str) -> Table:
    """Read {"columns": [...], "index": [...], "data": [[...]]}; columns and index may be absent."""
    if not isinstance(payload, dict) or not isinstance(payload.get("data"), list):
        raise ClientError(f"{label} has to be an object with a list 'data', and with 'columns' and 'index'")
    names, index = payload.get("columns"), payload.get("index")
    for part, value in (("columns", names), ("index", index)):
        if value is not None and not isinstance(value, list):
            raise ClientError(f"{label}: '{part}' has to be a list")
    table = rows_table(payload["data"], label, names)
    if index is not None and len(index) != table.rows:
        raise ClientError(f"{label}: 'index' has {len(index)} entries for {table.rows} rows of 'data'")
    return Table(table.names, table.columns, index, table.rows)


def rows_table(rows: list[Any], label: str, names: list[Any] | None = None) -> Table:
    """Read a list of rows; without names their order is the signature's."""
    if names is not None and len(set(map(str, names))) != len(names):
        twice = next(name for name in names if names.count(name) > 1 or str(name) not in names)
        raise ClientError(f"{label}: the column {twice!r} is there twice")
    width = len(names) if names is not None else (len(rows[0]) if rows and isinstance(rows[0], list) else 0)
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            raise ClientError(f"{label}: row {number} has to be a list of values")
        if len(row) != width:
            raise ClientError(f"{label}: row {number} has {len(row)} values, {width} are expected")
    columns = [list(column) for column in zip(*rows)] if rows else [[] for _ in range(width)]  # noqa: B905
    return Table(names, columns, None, len(rows))


def records_table(records: Any, label: str) -> Table:
    """Read [{"column": value, ...}, ...]."""
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ClientError(f"{label} has to be a list of objects, one a row")
    names = list(dict.fromkeys(name for record in records for name in record))
    gaps = []
    for name in names:
        lacking = next((row for row, record in enumerate(records) if name not in record), None)
        if lacking is not None:
            gaps.append((name, lacking))
    columns = [[record.get(name) for record in records] for name in names]
    return Table(names, columns, None, len(records), tuple(gaps))


def mapping_table(payload: Mapping[str, Any], label: str) -> Table:
    """Read {"column": [values], ...}, or {"column": value, ...} as one row."""
    listed = [isinstance(value, list) for value in payload.values()]
    columns = [value if is_list else [value] for value, is_list in zip(payload.values(), listed)]  # noqa: B905
    lengths = {name: len(column) for name, column in zip(payload, columns)}  # noqa: B905
    if len(set(lengths.values())) > 1:
        raise ClientError(f"{label}: the columns differ in length: {lengths}")
    return Table(list(payload), columns, None, len(columns[0]) if columns else 0)


def to_frame(table: Table, signature: Signature, label: str) -> Any:
    """Return the DataFrame that the model takes; columns that the signature does not know are left out."""
    if not signature.columns:
        frame = pd.DataFrame(dict(enumerate(table.columns)), index=table.index)
        frame.columns = pd.Index(table.names) if table.names is not None else frame.columns
        return frame
    if signature.names:
        return _named(table, signature, label)
    if len(table.columns) != len(signature.columns):
        raise ClientError(f"{label}: {len(table.columns)} columns, the model takes {len(signature.columns)}")
    names: Sequence[Any] = table.names if table.names is not None else range(len(table.columns))
    values = {
        position: cast_column(table.columns[position], column.type, f"column {names[position]!r}")
        for position, column in enumerate(signature.columns)
    }
    frame = pd.DataFrame(values, index=table.index)
    frame.columns = pd.Index(list(names))
    return frame


def _named(table: Table, signature: Signature, label: str) -> Any:
    wanted = signature.names
    names = table.names
    if names is None:
        if len(table.columns) != len(wanted):
            raise ClientError(
                f"{label}: {len(table.columns)} unnamed columns, the model takes {len(wanted)}: {_list(wanted)}"
            )
        names = list(wanted)
    # A table without a single row and column names is an empty table of the model's columns.
    given = {str(name): values for name, values in zip(names, table.columns)}  # noqa: B905
    missing = [column.name for column in signature.columns if column.required and column.name not in given]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        raise ClientError(f"{label}: missing column{plural} {_list(missing)}; the model takes {_list(wanted)}")
    gaps = {str(name): row for name, row in table.gaps}
    values = {}
    for column in signature.columns:
        if column.name is None or column.name not in given:
            continue
        if column.required and column.name in gaps:
            raise ClientError(f"{label}: row {gaps[column.name]} has no {column.name!r}")
        cells = given[column.name]
        if not column.required and cells and all(cell is None for cell in cells):
            continue
        values[column.name] = cast_column(cells, column.type, f"column {column.name!r}")
    return pd.DataFrame(values, index=table.index if table.index is not None else range(table.rows))


def _list(names: Sequence[Any]) -> str:
    shown = [repr(name) for name in names[:20]]
    return ", ".join(shown) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
