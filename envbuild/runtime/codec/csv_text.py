"""Tables in CSV (RFC 4180): a header row, then rows of text, which the signature's types are read from.

Nothing is guessed: a cell of a string column stays as it is written, and an empty cell is a missing value. What says
true or false, or holds JSON for a nested type, is turned into that value, so that CSV is cast as JSON is.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ClientError
from .nested import NESTED
from .signature import Signature, Tensor
from .tables import Table, check_names

WORDS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
MISSING = frozenset({"na", "n/a", "null", "none"})
"""Words for a missing value, beside the empty cell, where they can be no value of the column."""

# The module's limit for a cell is 128 KiB; images in base64 are larger. The body has a limit of its own.
csv.field_size_limit(sys.maxsize)


def csv_table(body: bytes, signature: Signature, label: str) -> Any:
    """Return a Table of text for a model with a signature, else the DataFrame that pandas reads."""
    text = _text(body, label)
    if not signature.columns and not signature.tensors:
        return _guessed(text, label)
    names, rows = _rows(text, label)
    check_names(names, label, signature.names)
    columns: list[list[Any]] = list(map(list, zip(*rows))) if rows else [[] for _ in names]  # noqa: B905
    kinds = _kinds(names, signature)
    for position, column in enumerate(columns):
        read = _CELLS.get(kinds[position], _cell)
        columns[position] = [read(cell) for cell in column]
    return Table(list(names), columns, None, len(rows))


def _text(body: bytes, label: str) -> str:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClientError(f"{label} is not UTF-8: byte {error.start}") from None
    if not text.strip():
        raise ClientError(f"{label} is empty: a header row is expected")
    return text


def _rows(text: str, label: str) -> tuple[list[str], list[list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names: list[str] = []
    rows: list[list[str]] = []
    try:
        for cells in reader:
            if not names:
                names = cells
            elif len(cells) == len(names):
                rows.append(cells)
            elif not cells and len(names) == 1:
                rows.append([""])  # an empty cell, where the row has no other
            elif cells:
                raise ClientError(f"{label}: row {len(rows)} has {len(cells)} cells, the header has {len(names)}")
    except csv.Error:
        raise ClientError(f"{label} is not CSV: line {reader.line_num} cannot be read") from None
    return names, rows


def _kinds(names: list[str], signature: Signature) -> list[str]:
    """Return the type of each column of the text; columns without names are taken in their order."""
    if signature.tensors and not signature.names:
        return [_kind(signature.tensors[0])] * len(names)
    if signature.names:
        types = {column.name: column.type for column in signature.columns}
        types.update((tensor.name, _kind(tensor)) for tensor in signature.tensors)
        return [types.get(name, "string") for name in names]
    types_in_order = [column.type for column in signature.columns]
    return (types_in_order + ["string"] * len(names))[: len(names)]


def _kind(tensor: Tensor) -> str:
    """Return the type of columns whose cells are read like the elements of a tensor."""
    return {"b": "boolean", "U": "string", "S": "binary", "O": "string"}.get(np.dtype(tensor.dtype).kind, "double")


def _cell(cell: str) -> Any:
    return None if not cell or cell.lower() in MISSING else cell


def _flag(cell: str) -> Any:
    return WORDS.get(cell.strip().lower(), cell or None)


def _json(cell: str) -> Any:
    if not cell:
        return None
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


_CELLS: dict[str, Callable[[str], Any]] = {
    "string": lambda cell: cell or None,
    "binary": lambda cell: cell or None,
    "boolean": _flag,
    **dict.fromkeys(NESTED, _json),
}


def _guessed(text: str, label: str) -> Any:
    import pandas as pd

    try:
        return pd.read_csv(io.StringIO(text))
    except (ValueError, pd.errors.ParserError):
        raise ClientError(f"{label} is not CSV that can be read as a table") from None
