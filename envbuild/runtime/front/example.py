"""A request for a model: its input example, else made up by the signature."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROWS = 5
LARGEST_FILE = 1 << 20
"""Bytes of an input example that are looked at."""
LARGEST_TENSOR = 10_000
"""Values of a tensor that is made up."""
SCALARS: dict[str, Any] = {
    "boolean": True,
    "string": "sample string",
    "binary": "",
    "datetime": "2024-01-01T00:00:00",
    "float": 0.0,
    "double": 0.0,
    "integer": 0,
    "long": 0,
}


def example_of(mlmodel: Mapping[str, Any], folder: Path) -> tuple[Any, Any]:
    """Return the first rows of the model's input example for `input_data`, and its `params`; None for what it lacks."""
    info = mlmodel.get("saved_input_example_info") or {}
    serving = _read(folder, str(info.get("serving_input_path") or "serving_input_example.json"))
    if isinstance(serving, dict):
        for key in ("dataframe_split", "dataframe_records", "instances", "inputs"):
            if key in serving:
                return first_rows(serving[key]), serving.get("params")
    kept = _read(folder, str(info.get("artifact_path") or "input_example.json"))
    if isinstance(kept, dict) and info.get("type") == "ndarray":
        kept = kept.get("inputs")
    return first_rows(kept), None


def first_rows(value: Any) -> Any:
    """Return a value with no more than its first rows, where it is a table or a list."""
    if isinstance(value, list):
        return value[:ROWS]
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        parts = ("data", "index")
        return {name: part[:ROWS] if name in parts and isinstance(part, list) else part for name, part in value.items()}
    if isinstance(value, dict) and value and all(isinstance(part, list) for part in value.values()):
        return {name: part[:ROWS] for name, part in value.items()}
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


def _read(folder: Path, name: str) -> Any:
    path = folder / name
    try:
        if path.stat().st_size > LARGEST_FILE:
            return None
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
