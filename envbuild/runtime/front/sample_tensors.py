"""The tensors of an Open Inference request that say what a value says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..protocols.outline import outline
from .example import columns_of

DATATYPES = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}


def tensors_of(
    value: Any, mlmodel: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]] | None:
    """Return the tensors of an infer request, or None where the value has no form in tensors."""
    described = outline(mlmodel).inputs
    if mlmodel.get("is_signature_from_type_hint"):
        tensor = _column(described[0], value) if len(described) == 1 and isinstance(value, list) else None
        return [tensor] if tensor is not None else None
    if inputs and inputs[0]["type"] == "tensor":
        named = value if isinstance(value, dict) else {described[0]["name"]: value}
        return _all(_tensor(spec, named[spec["name"]]) if spec["name"] in named else None for spec in described)
    columns = columns_of(value, [spec["name"] for spec in described])
    if columns is None:
        shape = _shape(value)
        kinds = {type(item) for item in _flat(value)} if shape else set()
        if inputs or not shape or len(kinds - {type(None)}) != 1:
            return None
        return [_array("input-0", shape, _datatype(_flat(value)), _flat(value))]
    by_name = {spec["name"]: spec for spec in described}
    return _all(_column(by_name.get(name) or _undescribed(name, cells), cells) for name, cells in columns.items())


def _all(found: Iterable[dict[str, Any] | None]) -> list[dict[str, Any]] | None:
    """Return the tensors, or None where one of them is missing."""
    tensors = []
    for tensor in found:
        if tensor is None:
            return None
        tensors.append(tensor)
    return tensors


def _undescribed(name: str, cells: list[Any]) -> dict[str, Any]:
    """Return what the protocol would say of a column that no signature names."""
    return {"name": name, "datatype": _datatype(cells), "shape": [-1]}


def _column(spec: Mapping[str, Any], cells: list[Any]) -> dict[str, Any] | None:
    if (spec.get("parameters") or {}).get("content_type") == "json":
        return {
            **_array(spec["name"], [len(cells)], "BYTES", list(map(json.dumps, cells))),
            "parameters": spec["parameters"],
        }
    return _tensor(spec, cells)


def _tensor(spec: Mapping[str, Any], value: Any) -> dict[str, Any] | None:
    shape = _shape(value) if spec["shape"] or isinstance(value, list) else []
    if shape is None or len(shape) != len(spec["shape"]) or any(isinstance(item, dict) for item in _flat(value)):
        return None
    more = {"parameters": spec["parameters"]} if "parameters" in spec else {}
    return {**_array(spec["name"], shape, spec["datatype"], _flat(value)), **more}


def _array(name: str, shape: list[int], datatype: str, data: list[Any]) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def _datatype(values: Sequence[Any]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and kinds != {int}:
        return "FP64"
    return DATATYPES.get(kinds.pop(), "BYTES") if len(kinds) == 1 else "BYTES"


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
