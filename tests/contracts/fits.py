"""Values for fixture models: their examples written otherwise without loss, and what does not fit the signature."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from questions import SECRET, Question, deepest, each, put, without

LONG = 2**63


def _later(text: str, zone: str, hours: int) -> str:
    return (datetime.fromisoformat(text) + timedelta(hours=hours)).isoformat() + zone


ALIKE: dict[str, dict[str, Callable[[Any], Any]]] = {
    "double": {
        "numbers as text": lambda cell: str(cell),
        "null for NaN": lambda cell: None if cell != cell else cell,
        "'NaN' as text": lambda cell: "NaN" if cell != cell else cell,
    },
    "long": {"whole numbers with a point": float, "whole numbers as text": str},
    "boolean": {"0 and 1": int},
    "datetime": {
        "with Z": lambda cell: f"{cell}Z",
        "with a zone": lambda cell: _later(cell, "+02:00", 2),
        "with a space": lambda cell: cell.replace("T", " "),
        "with fractions": lambda cell: f"{cell}.000",
    },
}
"""Ways to write a value of a type that change nothing."""

UNFIT: dict[str, tuple[Any, ...]] = {
    "double": (SECRET, "1,5", [1], {"a": 1}),
    "long": (2.5, "2.5", LONG, None, SECRET, [1]),
    "boolean": ("false", "true", None, 2, 0.5),
    "datetime": (1700000000000, "31/05/2024", SECRET, "2024-02-30"),
    "string": (True, [SECRET], {SECRET: 1}),
}
"""Values that a column of a type does not take."""

UNFIT_TENSOR: dict[str, tuple[Any, ...]] = {
    "float64": (SECRET, {SECRET: 1}, 2**53 + 1),
    "float32": (SECRET, 1e39),
    "uint8": (2.5, 256, -1, None, SECRET),
}
"""The same for the elements of a tensor of a dtype."""


def alike(question: Question) -> Iterator[tuple[str, Any]]:
    """Other ways to write the example, by name; the answer is the same."""
    types = {column["type"] for column in question.columns}
    for kind in sorted(types & ALIKE.keys()):
        names = {column["name"] for column in question.columns if column["type"] == kind}
        for label, change in ALIKE[kind].items():
            yield f"{kind}: {label}", each(question.table or {}, names, change)
    if question.table is not None and question.columns:
        table = question.table
        more = {"columns": [*table["columns"], "more"], "data": [[*row, SECRET] for row in table["data"]]}
        yield "an extra column", more
    for tensor in question.tensors:
        yield "text in a tensor", _in_tensor(question, tensor, str(_first(question, tensor)))
    if isinstance(question.value, dict) and question.table is None:
        yield "an extra tensor", {**question.value, "more": [SECRET]}


def unfit(question: Question) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """What does not fit the signature, by name, and words of the message."""
    if question.columns:
        yield from _unfit_tables(question)
    for tensor in question.tensors:
        name = f"input_data[{tensor['name']!r}]" if "name" in tensor else "input_data"
        dtype = tensor["tensor-spec"]["dtype"]
        place = "".join("[0]" for _ in tensor["tensor-spec"]["shape"])
        for value in UNFIT_TENSOR[dtype]:
            yield f"{dtype}: {value!r}", _in_tensor(question, tensor, value), (name, place, dtype)
        whole = question.value[tensor["name"]] if "name" in tensor else question.value
        wrong = [row[:-1] for row in whole] if len(tensor["tensor-spec"]["shape"]) == 2 else whole[0]
        yield f"{name} of another shape", _replaced(question, tensor, wrong), (name, "the shape is", "the model takes")
        if "name" in tensor:
            left = {key: part for key, part in question.value.items() if key != tensor["name"]}
            yield f"without {name}", left, (f"missing tensor {tensor['name']!r}",)
    if question.part("inputs"):
        # A lone value is taken for that of an only column, and null is a missing value there.
        for value in (SECRET, {SECRET: 1}) if len(question.columns) == 1 else (None, 5, SECRET, {SECRET: 1}):
            yield f"{value!r} for all of it", value, () if len(question.columns) == 1 else ("input_data",)


def _unfit_tables(question: Question) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    table, last = question.table or {}, len((question.table or {})["data"]) - 1
    seen = set()
    for column in question.columns:
        name, kind = column["name"], column["type"]
        if column["required"]:
            yield f"without {name}", without(table, name), (f"missing column {name!r}",)
        if kind not in seen:
            seen.add(kind)
            for value in UNFIT[kind]:
                words = (f"column {name!r}, row {last}: expected ", f"({kind}), got ")
                yield f"{kind}: {value!r}", put(table, name, value), words
    short = {**table, "data": [*table["data"][:-1], table["data"][-1][:-1]]}
    count = len(table["columns"])
    yield "a short row", short, (f"row {last} has {count - 1} values, {count} are expected",)


def _first(question: Question, tensor: dict[str, Any]) -> Any:
    value = question.value[tensor["name"]] if "name" in tensor else question.value
    while isinstance(value, list):
        value = value[0]
    return value


def _in_tensor(question: Question, tensor: dict[str, Any], value: Any) -> Any:
    whole = question.value[tensor["name"]] if "name" in tensor else question.value
    return _replaced(question, tensor, deepest(whole, value))


def _replaced(question: Question, tensor: dict[str, Any], value: Any) -> Any:
    return {**question.value, tensor["name"]: value} if "name" in tensor else value
