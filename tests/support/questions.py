"""What fixture models are asked: their own input examples, in the words of each protocol, and their own answers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

MODELS = ("diabetes", "forest", "lightgbm", "named-tensors", "no-signature", "params", "pyfunc-code", "tensors")
SECRET = "s3cr3t"
"""What no answer may hold: nothing of a request is repeated."""

Table = dict[str, Any]
"""A table as `{"columns": [...], "data": [[...], ...]}`."""


@dataclass(frozen=True)
class Question:
    """A model, its example as a body for /invocations, and what its own predict says to that."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def example(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "serving_input_example.json").read_text())
        return found

    @cached_property
    def answer(self) -> Any:
        return json.loads((self.folder.parent / f"{self.name}.expected.json").read_text())

    @cached_property
    def mlmodel(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load((self.folder / "MLmodel").read_text())
        return found

    def part(self, name: str) -> list[dict[str, Any]]:
        """`inputs`, `outputs` or `params` of the signature; empty where it says nothing."""
        found: list[dict[str, Any]] = json.loads((self.mlmodel.get("signature") or {}).get(name) or "[]")
        return found

    @property
    def table(self) -> Table | None:
        """The example, if it is a table."""
        return self.example.get("dataframe_split")

    @property
    def value(self) -> Any:
        """The example, whatever it is, without its params."""
        return self.example["inputs"] if self.table is None else self.table

    @property
    def params(self) -> dict[str, Any]:
        """The member `params` of the example, if it has one."""
        return {"params": self.example["params"]} if "params" in self.example else {}

    @property
    def columns(self) -> list[dict[str, Any]]:
        """The columns of the signature, if it is one of columns."""
        return [part for part in self.part("inputs") if part["type"] != "tensor"]

    @property
    def tensors(self) -> list[dict[str, Any]]:
        """The tensors of the signature, if it is one of tensors."""
        return [part for part in self.part("inputs") if part["type"] == "tensor"]

    def azure(self, value: Any = None, **more: Any) -> dict[str, Any]:
        """The body for /score, of another value where one is given."""
        return {"input_data": self.value if value is None else value, **self.params, **more}

    def azure_forms(self) -> Iterator[tuple[str, Any]]:
        """Every way to write the example as `input_data`, by name."""
        yield "as the example", self.value
        yield "within another input_data", {"input_data": self.value}
        if self.table is not None:
            yield "with index", {**self.table, "index": list(range(len(self.table["data"])))}
            yield "records", records(self.table)
            yield "rows", self.table["data"]
            if self.columns:
                # Without a signature the order is the model's business, and an object is one of named arrays.
                yield "in another order", reverse(self.table)
                yield "an object of columns", by_column(self.table)
        elif isinstance(self.value, dict):
            yield "in another order", dict(reversed(self.value.items()))
            yield "records", unstack(self.value)

    def mlflow_forms(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every body for /invocations that asks the same, by name."""
        for name, value in self.azure_forms():
            if name == "within another input_data":
                continue
            for key in ("inputs", "instances"):
                if not (isinstance(value, dict) and "data" in value):
                    yield f"{key}: {name}", {key: value, **self.params}
        if self.table is not None:
            yield "dataframe_split", {"dataframe_split": self.table, **self.params}
            indexed = {**self.table, "index": ["x", *range(1, len(self.table["data"]))]}
            yield "dataframe_split with index", {"dataframe_split": indexed, **self.params}
            yield "dataframe_records", {"dataframe_records": records(self.table), **self.params}

    def csv(self) -> bytes | None:
        """The example as CSV, if it is a table."""
        if self.table is None:
            return None
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(self.table["columns"])
        writer.writerows([["" if cell != cell else cell for cell in row] for row in self.table["data"]])
        return text.getvalue().encode()


def records(table: Table) -> list[dict[str, Any]]:
    """The table as a list of objects."""
    return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def by_column(table: Table) -> dict[str, list[Any]]:
    """The table as an object of columns."""
    return {name: [row[number] for row in table["data"]] for number, name in enumerate(table["columns"])}


def reverse(table: Table) -> Table:
    """The table with its columns in reverse order."""
    return {"columns": table["columns"][::-1], "data": [row[::-1] for row in table["data"]]}


def without(table: Table, name: str) -> Table:
    """The table without a column."""
    place = table["columns"].index(name)
    return {
        "columns": [*table["columns"][:place], *table["columns"][place + 1 :]],
        "data": [[*row[:place], *row[place + 1 :]] for row in table["data"]],
    }


def put(table: Table, name: str, value: Any) -> Table:
    """The table with another value in the last row of a column."""
    place, last = table["columns"].index(name), table["data"][-1]
    return {**table, "data": [*table["data"][:-1], [*last[:place], value, *last[place + 1 :]]]}


def each(table: Table, names: set[str], change: Any) -> Table:
    """The table with every value of the named columns changed."""
    rows = [
        [change(cell) if name in names else cell for name, cell in zip(table["columns"], row, strict=True)]
        for row in table["data"]
    ]
    return {**table, "data": rows}


def unstack(arrays: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Named arrays as a list of objects, one an element of the first dimension."""
    return [dict(zip(arrays, parts, strict=True)) for parts in zip(*arrays.values(), strict=True)]


def deepest(value: Any, leaf: Any) -> Any:
    """The nested list with another first element."""
    return [deepest(value[0], leaf), *value[1:]] if isinstance(value, list) else leaf
