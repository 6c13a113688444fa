"""A request for a model: its input example, else made up by the signature."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
SPLIT = frozenset({"columns", "index", "data"})
UNIFIED = frozenset({"messages", "prompt", "input"})
"""A body with one of these keys is the model's input as a whole, as MLflow has it for language models."""
NAIVE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")
"""A time without a zone."""
ROWS = 5
LARGEST_FILE = 1 << 20
"""Bytes of an input example that are looked at."""
LARGEST_TENSOR = 10_000
"""Values of a tensor that is made up."""
SCALARS: dict[str, Any] = {
    "boolean": True,
    "string": "sample string",
    "binary": "",
    "datetime": "2024-01-01T00:00:00Z",
    "float": 0.0,
    "double": 0.0,
    "integer": 0,
    "long": 0,
}


def specs_of(mlmodel: Mapping[str, Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Return the signature's inputs, outputs and params as MLmodel writes them; empty for what it lacks."""
    signature = mlmodel.get("signature") or {}
    inputs, outputs, params = (json.loads(signature.get(part) or "[]") for part in ("inputs", "outputs", "params"))
    return inputs, outputs, params


def example_of(mlmodel: Mapping[str, Any], folder: Path) -> tuple[Any, Any]:
    """Return the first rows of the model's input example for `input_data`, and its `params`; None for what it lacks.

    An object for a language model, and tensors whose first dimension is not free, are returned whole.
    """
    inputs, _, params = specs_of(mlmodel)
    info = mlmodel.get("saved_input_example_info")
    info = info if isinstance(info, Mapping) else {}
    fixed = {
        spec.get("name") for spec in inputs if spec["type"] == "tensor" and spec["tensor-spec"]["shape"][:1] != [-1]
    }
    serving = _read(folder, str(info.get("serving_input_path") or "serving_input_example.json"))
    if isinstance(serving, dict):
        if is_unified(serving):
            known = {spec["name"] for spec in params}
            given = {name: value for name, value in serving.items() if name in known}
            return {name: value for name, value in serving.items() if name not in known}, given or None
        for key in FORMS:
            if key in serving:
                return first_rows(serving[key], fixed), serving.get("params")
    kept = _read(folder, str(info.get("artifact_path") or "input_example.json"))
    if isinstance(kept, dict) and info.get("type") == "ndarray":
        kept = kept.get("inputs")
    return kept if is_unified(kept) else first_rows(kept, fixed), None


def made_up(inputs: Sequence[Mapping[str, Any]]) -> Any:
    """Return a value that fits the inputs of a signature, or None where there are none or it would be large."""
    if not inputs:
        return None
    if inputs[0]["type"] == "tensor":
        values = {spec.get("name"): sample_tensor(spec["tensor-spec"]) for spec in inputs}
        if any(value is None for value in values.values()):
            return None
        return values if inputs[0].get("name") is not None else values[None]
    if len(inputs) == 1 and inputs[0].get("name") is None:
        return [sample_value(inputs[0])]
    return sample_row(inputs)


def defaults(params: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the values that parameters have where a request names none; times with their zone, as RFC 3339 asks."""
    return {spec["name"]: default_of(spec) for spec in params}


def default_of(spec: Mapping[str, Any]) -> Any:
    """Return the default of a parameter, None if it has none."""
    value = spec.get("default")
    if spec["type"] != "datetime":
        return value
    return [_zoned(each) for each in value] if isinstance(value, list) else _zoned(value)


def is_unified(value: Any) -> bool:
    """Whether a value is a chat, a prompt or a text to embed, as MLflow has them for language models."""
    return isinstance(value, dict) and not UNIFIED.isdisjoint(value)


def is_split(value: Any) -> bool:
    """Whether a value is a table as `columns` and `data`."""
    return isinstance(value, dict) and isinstance(value.get("data"), list) and set(value) <= SPLIT


def is_records(value: Any) -> bool:
    """Whether a value is a table as a list of objects."""
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def as_rows(value: Any, inputs: Sequence[Mapping[str, Any]]) -> Any:
    """Return a value for a table so that its rows can be told: an object that is one row becomes a list of it.

    It is one where no entry is a list, or where a column holds lists and its entry is one of them, not several.
    """
    if not isinstance(value, dict) or is_split(value) or not inputs or inputs[0]["type"] == "tensor":
        return value
    if not any(isinstance(entry, list) for entry in value.values()):
        return [value]
    lists = [spec for spec in inputs if spec["type"] == "array" and isinstance(value.get(spec.get("name")), list)]
    return [value] if any(_depth(value[spec["name"]]) <= _levels(spec) for spec in lists) else value


def columns_of(value: Any, names: Sequence[str]) -> dict[str, list[Any]] | None:
    """Return the columns of a table by name, or None for what is no table. `names` are the signature's."""
    if is_split(value):
        rows = value["data"]
        given = value.get("columns") or names
        if not all(isinstance(row, list) and len(row) == len(given) for row in rows):
            return None
        return {str(name): [row[place] for row in rows] for place, name in enumerate(given)}
    if is_records(value):
        keys = list(dict.fromkeys(str(key) for row in value for key in row))
        return {key: [row.get(key) for row in value] for key in keys}
    if isinstance(value, dict) and value and set(value) <= set(names):
        return {name: cells if isinstance(cells, list) else [cells] for name, cells in value.items()}
    if isinstance(value, list) and len(names) == 1 and not any(isinstance(item, (list, dict)) for item in value):
        return {names[0]: value}
    return None


def first_rows(value: Any, fixed: Collection[Any] = ()) -> Any:
    """Return a value with no more than its first rows, where it is a table or a list.

    `fixed` are the names of tensors whose rows may not be left out, None for one without a name.
    """
    if isinstance(value, list):
        return value if fixed else value[:ROWS]
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        parts = ("data", "index")
        return {name: part[:ROWS] if name in parts and isinstance(part, list) else part for name, part in value.items()}
    if isinstance(value, dict) and value and all(isinstance(part, list) for part in value.values()):
        return {name: part if name in fixed else part[:ROWS] for name, part in value.items()}
    return value


def sample_row(columns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a table of one row with the columns of a signature."""
    names = [column.get("name", str(number)) for number, column in enumerate(columns)]
    return {"columns": names, "data": [[sample_value(column) for column in columns]]}


def sample_value(spec: Mapping[str, Any]) -> Any:
    """Return a value of a type as the signature writes it."""
    kind = spec["type"]
    if kind == "array":
        return [sample_value(spec["items"])]
    if kind == "map":
        return {"key": sample_value(spec["values"])}
    if kind == "object":
        return {name: sample_value(part) for name, part in spec["properties"].items()}
    return SCALARS.get(kind)


def sample_tensor(spec: Mapping[str, Any]) -> Any:
    """Return nested lists of a tensor's shape, every free dimension of which is 1; None if they would be large."""
    sizes = [1 if size == -1 else size for size in spec["shape"]]
    if math.prod(sizes) > LARGEST_TENSOR:
        return None
    dtype = str(spec["dtype"])
    value: Any = 0.0 if dtype.startswith("float") else 0
    if dtype.startswith("datetime"):
        value = SCALARS["datetime"]
    elif not dtype.startswith(("int", "uint", "float", "bool")):
        value = SCALARS["string"]
    elif dtype == "bool":
        value = False
    for size in reversed(sizes):
        value = [value] * size
    return value


def _zoned(moment: Any) -> Any:
    """Return a time that MLmodel has without a zone, which is UTC, as RFC 3339 writes it."""
    return f"{moment}Z" if isinstance(moment, str) and NAIVE.fullmatch(moment) else moment


def _levels(spec: Mapping[str, Any]) -> int:
    """Return how many lists lie in each other in a value of an array's type."""
    return 1 + _levels(spec["items"]) if spec["type"] == "array" else 0


def _depth(value: Any) -> int:
    """Return how many lists lie in each other, by the first of each."""
    return 1 + max(map(_depth, value[:1]), default=0) if isinstance(value, list) else 0


def _read(folder: Path, name: str) -> Any:
    path = folder / name
    try:
        if path.stat().st_size > LARGEST_FILE:
            return None
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
