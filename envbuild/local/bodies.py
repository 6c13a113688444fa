"""The model's input example as each protocol has it, and requests that a server must refuse. All are JSON values."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from .comparing import flat

_NUMBERS = {"integer", "long", "float", "double"}


def azure_body(request: Mapping[str, Any]) -> dict[str, Any]:
    """The body for Azure ML's /score of what /invocations takes."""
    body: dict[str, Any] = {}
    if isinstance(request.get("dataframe_split"), Mapping):
        split = request["dataframe_split"]
        # Azure ML asks for the index.
        body["input_data"] = {**split, "index": list(range(len(split.get("data") or [])))}
    else:
        kinds = ("inputs", "instances", "dataframe_records")
        named = [request[kind] for kind in kinds if kind in request]
        body["input_data"] = named[0] if named else {k: v for k, v in request.items() if k != "params"}
    if request.get("params"):
        body["params"] = request["params"]
    return body


def infer_body(request: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    """The body for Open Inference of what /invocations takes, typed as the model's metadata says; None for no table.

    A column becomes an input of its name; a tensor keeps its shape.
    """
    inputs = metadata.get("inputs") or _guessed(request)
    guessed = not metadata.get("inputs")
    values = _values(request, [str(part.get("name")) for part in inputs])
    if not inputs or values is None:
        return None
    made = []
    for part, value in zip(inputs, values, strict=True):
        as_json = _content_type(part) == "json"
        data = [json.dumps(item) for item in value] if as_json else flat(value)
        shape = [len(value)] if as_json else _shape(value)
        wanted = part.get("shape")
        if isinstance(wanted, list) and len(wanted) == len(shape) + 1 and wanted[-1] == 1:
            shape = [*shape, 1]
        entry = {"name": part.get("name"), "datatype": part.get("datatype"), "shape": shape, "data": data}
        if part.get("parameters"):
            entry["parameters"] = part["parameters"]
        made.append(entry)
    body: dict[str, Any] = {"inputs": made}
    if request.get("params") or guessed:
        # What the model's metadata does not say to be a table has to say so itself.
        body["parameters"] = {**({"content_type": "pd"} if guessed else {}), **(request.get("params") or {})}
    return body


def infer_outputs(answer: Any, expected: Any) -> tuple[Any, Any]:
    """What an Open Inference answer gives and what the model does, in forms that can be compared."""
    outputs = answer.get("outputs") if isinstance(answer, Mapping) else None
    if not isinstance(outputs, list):
        return answer, {"outputs": "a list"}
    given = {str(part.get("name")): _data(part) for part in outputs}
    if isinstance(expected, list) and expected and all(isinstance(row, dict) for row in expected):
        return given, {name: flat([row.get(name) for row in expected]) for name in expected[0]}
    if isinstance(expected, dict):
        return given, {name: flat(value) for name, value in expected.items()}
    return (next(iter(given.values())) if len(given) == 1 else given), flat(expected)


def malformed(
    request: Mapping[str, Any], columns: Sequence[Mapping[str, Any]], tensor: str
) -> list[tuple[str, dict[str, Any]]]:
    """Requests for /invocations that do not fit the signature, each with what is wrong in it."""
    found = []
    required = [str(column["name"]) for column in columns if column.get("required")]
    if required and (body := _without(request, required[0])) is not None:
        found.append(("a column is missing", body))
    numbers = [str(c["name"]) for c in columns if c.get("type") in _NUMBERS or c.get("type") == "tensor"]
    if numbers and (body := _with(request, numbers[0], "not a number")) is not None:
        found.append(("a word for a number", body))
    elif tensor and tensor not in ("object", "str") and isinstance(request.get("inputs"), list):
        found.append(("a word for a number", {**request, "inputs": _spoiled(request["inputs"], "not a number")}))
    return found


def encode(body: Any) -> bytes:
    """The body as it is sent."""
    return json.dumps(body).encode()


def _data(part: Mapping[str, Any]) -> list[Any]:
    data = flat(part.get("data"))
    if _content_type(part) != "json":
        return data
    return flat([item if item is None else json.loads(item) for item in data])


def _content_type(part: Mapping[str, Any]) -> str:
    parameters = part.get("parameters")
    return str(parameters.get("content_type", "")) if isinstance(parameters, Mapping) else ""


def _guessed(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The inputs of a model that names none: the columns of a table, by what their first cells hold."""
    split = request.get("dataframe_split")
    if not isinstance(split, Mapping) or not split.get("data"):
        return []
    names = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}
    kinds = [names.get(type(cell), "") for cell in split["data"][0]]
    columns = [str(name) for name in split.get("columns") or ()]
    if len(columns) != len(kinds) or not all(kinds):
        return []
    return [{"name": name, "datatype": kind} for name, kind in zip(columns, kinds, strict=True)]


def _values(request: Mapping[str, Any], names: Sequence[str]) -> list[Any] | None:
    split, inputs = request.get("dataframe_split"), request.get("inputs")
    if isinstance(split, Mapping):
        columns, rows = [str(name) for name in split.get("columns") or ()], split.get("data")
        if not isinstance(rows, list):
            return None
        if set(names) <= set(columns):
            return [[row[columns.index(name)] for row in rows] for name in names]
        return [rows] if len(names) == 1 else None
    if isinstance(inputs, Mapping):
        return [inputs[name] for name in names] if set(names) <= set(inputs) else None
    return [inputs] if isinstance(inputs, list) and len(names) == 1 else None


def _shape(value: Any) -> list[int]:
    return [len(value), *(_shape(value[0]) if value else [])] if isinstance(value, list) else []


def _without(request: Mapping[str, Any], column: str) -> dict[str, Any] | None:
    body = copy.deepcopy(dict(request))
    split, inputs = body.get("dataframe_split"), body.get("inputs")
    if isinstance(split, dict) and column in split.get("columns", ()):
        place = split["columns"].index(column)
        split["columns"] = [name for name in split["columns"] if name != column]
        split["data"] = [[*row[:place], *row[place + 1 :]] for row in split["data"]]
        return body
    if isinstance(inputs, dict) and column in inputs:
        del inputs[column]
        return body
    return None


def _with(request: Mapping[str, Any], column: str, value: str) -> dict[str, Any] | None:
    body = copy.deepcopy(dict(request))
    split, inputs = body.get("dataframe_split"), body.get("inputs")
    if isinstance(split, dict) and column in split.get("columns", ()) and split.get("data"):
        split["data"][0][split["columns"].index(column)] = value
        return body
    if isinstance(inputs, dict) and column in inputs:
        inputs[column] = _spoiled(inputs[column], value)
        return body
    return None


def _spoiled(value: Any, word: str) -> Any:
    """`value` with its first leaf replaced."""
    return [_spoiled(value[0], word), *value[1:]] if isinstance(value, list) and value else word
