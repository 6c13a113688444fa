"""The model's own example as a request of each protocol; without one, a request made up by the signature.

It is what /docs is filled with and what /openapi.json shows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..protocols.outline import outline
from .example import example_of, sample_row, sample_tensor, sample_value

SPLIT = frozenset({"columns", "index", "data"})
UNIFIED = frozenset({"messages", "prompt", "input"})
"""A body with one of these keys is the model's input as a whole, as MLflow has it for language models."""
DATATYPES = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}
LARGEST = 200_000
"""Characters of JSON. A larger request is none to look at."""


def samples(mlmodel: Mapping[str, Any], folder: Path) -> dict[str, dict[str, Any]]:
    """Return a request's body by kind: `score`, `invocations` and `infer`; a kind that has none is absent.

    The values are JSON's: what is not a number is null. Not every value of an example can be told in tensors, so
    `infer` may be absent alone.
    """
    try:
        found = _samples(mlmodel, folder)
    except RecursionError:
        # An example of thousands of lists in each other.
        return {}
    return {kind: body for kind, body in found.items() if len(json.dumps(body)) <= LARGEST}


def _samples(mlmodel: Mapping[str, Any], folder: Path) -> dict[str, dict[str, Any]]:
    signature = mlmodel.get("signature") or {}
    inputs, params = (json.loads(signature.get(part) or "[]") for part in ("inputs", "params"))
    value, given = example_of(mlmodel, folder)
    if value is None:
        value = made_up(inputs)
    if value is None:
        return {}
    value = finite(value)
    typed = bool(mlmodel.get("is_signature_from_type_hint"))
    more: dict[str, Any] = {}
    if params:
        more["params"] = finite(given) or {spec["name"]: spec.get("default") for spec in params}
    form = "inputs" if typed else _form(value, inputs)
    found: dict[str, dict[str, Any]] = {
        "score": {"input_data": value, **more},
        "invocations": {form: value, **more},
    }
    if isinstance(value, dict) and not UNIFIED.isdisjoint(value):
        found["invocations"] = {**value, **more.get("params", {})}
    tensors = None if typed and not inputs else _tensors(value, mlmodel, inputs)
    if tensors:
        found["infer"] = {"inputs": tensors}
        if not inputs and form == "dataframe_split":
            found["infer"]["parameters"] = {"content_type": "pd"}
        elif more:
            # Parameters are single values here; null stands for none.
            found["infer"]["parameters"] = more["params"]
    return found


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


def finite(value: Any) -> Any:
    """Return a JSON value in which null stands for what is not a number or infinite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {str(name): finite(item) for name, item in value.items()}
    return value


def _form(value: Any, inputs: Sequence[Mapping[str, Any]]) -> str:
    """Return the key of /invocations under which a value means what it means under `input_data`."""
    if inputs and inputs[0]["type"] == "tensor":
        return "inputs"
    if isinstance(value, dict) and isinstance(value.get("data"), list) and set(value) <= SPLIT:
        return "dataframe_split"
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        return "dataframe_records"
    return "inputs"


def _tensors(
    value: Any, mlmodel: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]] | None:
    """Return the tensors of an infer request, or None where the value has no form in tensors."""
    described = outline(mlmodel).inputs
    if inputs and inputs[0]["type"] == "tensor":
        named = value if isinstance(value, dict) else {described[0]["name"]: value}
        found = [_tensor(spec, named[spec["name"]]) for spec in described if spec["name"] in named]
        return found if None not in found and len(found) == len(described) else None  # type: ignore[return-value]
    columns = _columns(value, [spec["name"] for spec in described])
    if columns is None:
        shape = _shape(value)
        kinds = {type(item) for item in _flat(value)} if shape else set()
        if inputs or not shape or len(kinds - {type(None)}) != 1:
            return None
        return [_array("input-0", shape, _datatype(_flat(value)), _flat(value))]
    by_name = {spec["name"]: spec for spec in described}
    tensors = []
    for name, cells in columns.items():
        spec = by_name.get(name) or {"name": name, "datatype": _datatype(cells), "shape": [-1]}
        tensor = _column(spec, cells)
        if tensor is None:
            return None
        tensors.append(tensor)
    return tensors


def _columns(value: Any, names: Sequence[str]) -> dict[str, list[Any]] | None:
    """Return the columns of a table by name, or None for what is no table."""
    if isinstance(value, dict) and isinstance(value.get("data"), list) and set(value) <= SPLIT:
        rows = value["data"]
        given = value.get("columns") or names
        if not all(isinstance(row, list) and len(row) == len(given) for row in rows):
            return None
        return {str(name): [row[place] for row in rows] for place, name in enumerate(given)}
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        keys = list(dict.fromkeys(str(key) for row in value for key in row))
        return {key: [row.get(key) for row in value] for key in keys}
    if isinstance(value, dict) and value and set(value) <= set(names):
        return {name: cells if isinstance(cells, list) else [cells] for name, cells in value.items()}
    if isinstance(value, list) and len(names) == 1 and not any(isinstance(item, (list, dict)) for item in value):
        return {names[0]: value}
    return None


def _column(spec: Mapping[str, Any], cells: list[Any]) -> dict[str, Any] | None:
    if (spec.get("parameters") or {}).get("content_type") == "json":
        return {
            **_array(spec["name"], [len(cells)], "BYTES", list(map(json.dumps, cells))),
            "parameters": spec["parameters"],
        }
    return _tensor(spec, cells)


def _tensor(spec: Mapping[str, Any], value: Any) -> dict[str, Any] | None:
    shape = _shape(value)
    if shape is None or len(shape) != len(spec["shape"]):
        return None
    more = {"parameters": spec["parameters"]} if "parameters" in spec else {}
    return {**_array(spec["name"], shape, spec["datatype"], _flat(value)), **more}


def _array(name: str, shape: list[int], datatype: str, data: list[Any]) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def _datatype(values: Sequence[Any]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return "FP64"
    return DATATYPES.get(kinds.pop(), "BYTES") if len(kinds) == 1 else "FP64" if not kinds else "BYTES"


def _shape(value: Any) -> list[int] | None:
    """Return the shape of nested lists; None if they are ragged or no lists."""
    if not isinstance(value, list):
        return None
    if not value or not any(isinstance(item, list) for item in value):
        return [len(value)]
    inner = [_shape(item) for item in value]
    return [len(value), *inner[0]] if inner[0] is not None and all(one == inner[0] for one in inner) else None


def _flat(value: Any) -> list[Any]:
    return [item for part in value for item in _flat(part)] if isinstance(value, list) else [value]
