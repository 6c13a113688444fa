"""Tables in JSON, split, as records, rows or columns, to columns of values. The values are not looked at.

Messages name the columns that the signature names; other names are the caller's own and stay out of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ..errors import ClientError, InputError
from .scalars import kind_of

SPARSE = 1 << 22
"""Cells of records that may be more than 16 times as many as the values that the request has for them."""
PLAIN = frozenset({str, int, float, bool, type(None)})


@dataclass(frozen=True)
class Table:
    """Columns of JSON values, all of the same length."""

    names: list[Any] | None
    """None if the request names no columns."""
    columns: Sequence[Any]
    """A list or array for each column."""
    index: list[Any] | None = None
    rows: int = 0
    gaps: tuple[tuple[Any, int], ...] = ()
    """For records: the names that not every record has, with the first row that lacks each."""


def split_table(payload: Any, label: str, known: Collection[str] = ()) -> Table:
    """Read {"columns": [...], "index": [...], "data": [[...]]}; columns and index may be absent."""
    if not isinstance(payload, dict) or not isinstance(payload.get("data"), list):
        raise ClientError(f"{label} has to be an object with a list 'data', and with 'columns' and 'index'")
    names, index = payload.get("columns"), payload.get("index")
    for part, value in (("columns", names), ("index", index)):
        if value is None:
            continue
        if not isinstance(value, list):
            raise ClientError(f"{label}: '{part}' has to be a list, got {kind_of(value)}")
        if not PLAIN.issuperset(map(type, value)):
            raise ClientError(f"{label}: '{part}' has to hold strings or numbers")
    table = rows_table(payload["data"], label, names, known)
    if index is not None and len(index) != table.rows:
        raise ClientError(f"{label}: 'index' has {len(index)} entries for {table.rows} rows of 'data'")
    return Table(table.names, table.columns, index, table.rows)


def rows_table(rows: list[Any], label: str, names: list[Any] | None = None, known: Collection[str] = ()) -> Table:
    """Read a list of rows; without names their order is the signature's."""
    if names is not None and names != known:
        check_names(names, label, known)
    width = len(names) if names is not None else (len(rows[0]) if rows and isinstance(rows[0], list) else 0)
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            raise ClientError(f"{label}: row {number} has to be a list of values, got {kind_of(row)}")
        if len(row) != width:
            raise ClientError(f"{label}: row {number} has {len(row)} values, {width} are expected")
    columns = list(map(list, zip(*rows))) if rows else [[] for _ in range(width)]  # noqa: B905 (Python 3.9)
    return Table(names, columns, None, len(rows))


def check_names(names: Sequence[Any], label: str, known: Collection[str]) -> None:
    """Refuse a name that is there twice: one of the two columns would be lost."""
    seen: set[str] = set()
    for position, name in enumerate(map(str, names)):
        if name in seen:
            which = f"the column {name!r}" if name in known else f"the name of column {position}"
            raise ClientError(f"{label}: {which} is there twice")
        seen.add(name)


def records_table(records: Any, label: str, known: Collection[str] = ()) -> Table:
    """Read [{"column": value, ...}, ...]; with `known` names no others are read."""
    if not isinstance(records, list):
        raise ClientError(f"{label} has to be a list of objects, one a row, got {kind_of(records)}")
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            raise ClientError(f"{label}: row {number} has to be an object, got {kind_of(record)}")
    names = list(dict.fromkeys(chain.from_iterable(records)))
    if known:
        wanted = frozenset(known)
        names = [name for name in names if name in wanted]
    cells = len(names) * len(records)
    if cells > SPARSE and cells > 16 * sum(map(len, records)):
        raise InputError(f"{label}: hardly two rows have the same names; a table of them would be almost empty")
    gaps = []
    for name in names:
        lacking = next((row for row, record in enumerate(records) if name not in record), None)
        if lacking is not None:
            gaps.append((name, lacking))
    columns = [[record.get(name) for record in records] for name in names]
    return Table(names, columns, None, len(records), tuple(gaps))


def mapping_table(payload: Mapping[str, Any], label: str, known: Collection[str] = ()) -> Table:
    """Read {"column": [values], ...}, or {"column": value, ...} as one row."""
    columns = [value if isinstance(value, list) else [value] for value in payload.values()]
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        named = [f"{name!r} {length}" for name, length in zip(payload, lengths) if name in known]  # noqa: B905
        shown = f": {', '.join(named)}" if named else ""
        raise InputError(f"{label}: the columns differ in length{shown}")
    return Table(list(payload), columns, None, lengths[0] if lengths else 0)
