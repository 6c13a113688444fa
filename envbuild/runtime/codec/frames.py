"""A table to the DataFrame that the model takes: the signature's columns, in its order, of its types."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError
from .columns import EXACT, REALS, cast_column
from .scalars import MISSABLE
from .signature import Column, Signature
from .tables import Table


def to_frame(table: Table, signature: Signature, label: str) -> Any:
    """Return the DataFrame that the model takes; columns that the signature does not know are left out.

    InputError names a column that is missing, or the row of a value that does not fit.
    """
    if not signature.columns:
        frame = pd.DataFrame(dict(enumerate(table.columns)), index=table.index)
        frame.columns = pd.Index(table.names) if table.names is not None else frame.columns
        return frame
    if signature.names:
        return _named(table, signature, label)
    if len(table.columns) != len(signature.columns):
        raise InputError(f"{label}: {len(table.columns)} columns, the model takes {len(signature.columns)}")
    values = {
        position: cast_column(table.columns[position], column, f"column {position}")
        for position, column in enumerate(signature.columns)
    }
    frame = pd.DataFrame(values, index=table.index)
    if table.names is not None:
        frame.columns = pd.Index(table.names)
    return frame


def _named(table: Table, signature: Signature, label: str) -> Any:
    given = _given(table, signature.names, label)
    gaps = {str(name): row for name, row in table.gaps}
    columns = []
    cells = []
    missing = []
    for column in signature.columns:
        name = str(column.name)
        values = given.get(name)
        if values is None:
            if column.required:
                missing.append(name)
        elif column.required and name in gaps:
            raise InputError(f"{label}: row {gaps[name]} has no {name!r}")
        elif column.required or column.type in MISSABLE or not _empty(values):
            columns.append(column)
            cells.append(values)
    if missing:
        plural = "s" if len(missing) > 1 else ""
        raise InputError(f"{label}: missing column{plural} {_list(missing)}; the model takes {_list(signature.names)}")
    # pandas numbers the rows itself at least cost; only a frame without columns has to be told how many.
    index = range(table.rows) if table.index is None and not columns else table.index
    names = tuple(str(column.name) for column in columns)
    block = _block(columns, cells)
    if block is not None:
        return pd.DataFrame(block, columns=_index(names).view(), index=index, copy=False)
    arrays = [
        cast_column(values, column, f"column {name!r}")
        for name, column, values in zip(names, columns, cells)  # noqa: B905 (Python 3.9)
    ]
    if len({array.dtype for array in arrays}) == 1 and arrays[0].dtype.kind in "bif":
        return pd.DataFrame(np.array(arrays).T, columns=_index(names).view(), index=index, copy=False)
    return pd.DataFrame(dict(zip(names, arrays)), index=index)  # noqa: B905


def _given(table: Table, wanted: tuple[str, ...], label: str) -> dict[str, Any]:
    """Return the values by column; without names they are the signature's, in its order."""
    names: Sequence[Any]
    if table.names is None:
        if len(table.columns) != len(wanted):
            raise InputError(
                f"{label}: {len(table.columns)} unnamed columns, the model takes {len(wanted)}: {_list(wanted)}"
            )
        names = wanted
    else:
        names = table.names
    return {str(name): values for name, values in zip(names, table.columns)}  # noqa: B905 (Python 3.9)


def _block(columns: Sequence[Column], cells: Sequence[Any]) -> Any:
    """Return columns of doubles as one array of shape (rows, columns), or None where they need a look each.

    Most models take nothing else, and a table of one array is made many times faster than one of many.
    """
    types: set[type] = set()
    for column, values in zip(columns, cells):  # noqa: B905 (Python 3.9)
        if column.type != "double" or not isinstance(values, list):
            return None
        types.update(map(type, values))
    if not columns or not types <= REALS:
        return None
    try:
        array = np.array(cells, dtype="float64")
    except OverflowError:
        return None
    if int in types and bool((np.abs(array) >= EXACT["double"]).any()):
        return None
    # In memory column by column, as pandas keeps them: sums then run in the order that they have under MLflow.
    return array.T


@lru_cache(maxsize=64)
def _index(names: tuple[str, ...]) -> Any:
    return pd.Index(names)


def _empty(values: Any) -> bool:
    """Tell whether an optional column holds null alone: as good as absent, where there is no missing value."""
    return isinstance(values, list) and bool(values) and all(value is None for value in values)


def _list(names: Sequence[Any]) -> str:
    shown = [repr(name) for name in names[:20]]
    return ", ".join(shown) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
