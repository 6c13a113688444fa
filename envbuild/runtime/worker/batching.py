"""Several requests, one prediction: tables of the same columns put one below the other, and the answer cut apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ..codec.call import Call
from ..codec.tables import Table
from ..wire import Request
from .model import Model


@dataclass
class Part:
    """A request that waits for others like it."""

    request: Request
    call: Call
    content: Any
    """What `Model.read` gave: a Table, or something that is asked by itself."""


def groups(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Give the parts that can be asked together, in their order; what is no table stays by itself."""
    found: dict[Any, list[Part]] = {}
    for number, part in enumerate(parts):
        found.setdefault(_likeness(part, number), []).append(part)
    yield from found.values()


def ask(model: Model, parts: Sequence[Part]) -> list[tuple[Any, int]]:
    """Return the result and the number of rows for each part.

    Raises whatever the model raises, and ValueError where its answer has not a row for each row of the question.
    """
    tables = [part.content for part in parts]
    data = model.build(_joined(tables), parts[0].call.label)
    result = model.predict(data, parts[0].call.params)
    total = sum(table.rows for table in tables)
    if rows(result) != total:
        raise ValueError(f"the model answers {total} rows with {rows(result)}")
    answers = []
    start = 0
    for table in tables:
        answers.append((_cut(result, start, start + table.rows), table.rows))
        start += table.rows
    return answers


def rows(data: Any) -> int:
    """Return how many rows a table, an array, a list or named arrays have; 0 where that means nothing."""
    if isinstance(data, dict):
        data = next(iter(data.values()), None)
    if getattr(data, "shape", None) == () or isinstance(data, (str, bytes)):
        return 0
    try:
        return len(data)
    except TypeError:
        return 0


def _likeness(part: Part, number: int) -> Any:
    table = part.content
    # An index of its own may mean something to the model; gaps have messages that name their row.
    if not isinstance(table, Table) or table.gaps or not table.rows:
        return number
    if table.index is not None and table.index != list(range(table.rows)):
        return number
    names = None if table.names is None else tuple(map(str, table.names))
    try:
        return names, len(table.columns), orjson.dumps(part.call.params, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return number


def _joined(tables: Sequence[Table]) -> Table:
    columns: list[list[Any]] = [[] for _ in tables[0].columns]
    for table in tables:
        for column, values in zip(columns, table.columns):  # noqa: B905 (Python 3.9)
            column.extend(values)
    return Table(tables[0].names, columns, None, sum(table.rows for table in tables))


def _cut(result: Any, start: int, stop: int) -> Any:
    if isinstance(result, dict):
        return {name: part[start:stop] for name, part in result.items()}
    if hasattr(result, "iloc"):
        return result.iloc[start:stop]
    return result[start:stop]
