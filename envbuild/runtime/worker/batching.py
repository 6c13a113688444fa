"""Several requests, one prediction: tables of the same columns put one below the other, and the answer cut apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..codec.call import Call
from ..codec.signature import Signature
from ..codec.tables import Table
from ..wire import Request

if TYPE_CHECKING:
    from .model import Model


@dataclass
class Part:
    """A request that waits for others like it."""

    request: Request
    call: Call
    content: Any
    """What `Model.read` gave: a Table, or something that is asked by itself."""


def groups(parts: Sequence[Part], signature: Signature) -> Iterator[list[Part]]:
    """Give the parts that can be asked together, in their order; what is no table stays by itself.

    So does everything for a model without a signature: there the values of the others decide on a column's type.
    """
    if not signature.columns and not signature.tensors:
        yield from ([part] for part in parts)
        return
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
    answered = [rows(result)]
    if isinstance(result, dict):
        # A list may be the names of classes, as long as it is by chance.
        answered = [rows(part) if hasattr(part, "shape") else -1 for part in result.values()]
    if any(count != total for count in answered):
        raise ValueError(f"the model answers {total} rows with {answered}")
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
    try:
        # As text: to Python 1 and true are the same, and NaN is not the same as itself.
        return repr(table.names), len(table.columns), repr(part.call.params)
    except RecursionError:
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
