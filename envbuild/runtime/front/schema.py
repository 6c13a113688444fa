"""What /score takes and gives for a model, as JSON schemas: from MLmodel's signature and the input example.

`format` says what the values were: `pandas.DataFrame:split`, `pandas.DataFrame:records` or `numpy.ndarray`, by which
Azure ML's clients read the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .example import as_rows, columns_of, default_of, defaults, example_of, is_split, made_up, specs_of

SCALARS: dict[str, dict[str, Any]] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "float"},
    "double": {"type": "number", "format": "double"},
    "string": {"type": "string"},
    "binary": {"type": "string", "format": "byte"},
    "datetime": {"type": "string", "format": "date-time"},
}
"""By MLflow's names of types."""
SPLIT = "pandas.DataFrame:split"
WHOLE = ("boolean", "integer", "long")
"""Types that have no missing value."""
INTEGERS = {"int64": "int64", "int32": "int32", "uint32": "int64"}


def service_schemas(mlmodel: Mapping[str, Any], folder: Path, version: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schemas of the input and of the output for a version of Swagger: `2`, `3` or `3.1`."""
    inputs, outputs, params = specs_of(mlmodel)
    value, given = example_of(mlmodel, folder)
    if value is None:
        value = made_up(inputs)
    properties = {"input_data": _input(inputs, version)}
    if properties["input_data"].get("format") == SPLIT:
        value = _as_split(as_rows(value, inputs), inputs)
    example: dict[str, Any] = {} if value is None else {"input_data": value}
    if params:
        properties["params"] = {
            "type": "object",
            "properties": {spec["name"]: _parameter(spec, version) for spec in params},
        }
        example["params"] = given or defaults(params)
    schema: dict[str, Any] = {"type": "object", "required": ["input_data"], "properties": properties}
    if example:
        schema["example"] = example
    return schema, _output(outputs, version)


def _input(inputs: Sequence[Any], version: str) -> dict[str, Any]:
    if not inputs:
        return {"description": "The model has no signature: a table, a list or an object, as it takes."}
    if inputs[0]["type"] == "tensor":
        return _tensors(inputs, version)
    if len(inputs) == 1 and inputs[0].get("name") is None:
        return {"type": "array", "items": type_schema(inputs[0], version)}
    cell = _either([type_schema(column, version) for column in inputs], version)
    named = [f"{column['name']} ({column['type']})" for column in inputs if column.get("name") is not None]
    return {
        "type": "object",
        "description": f"A table{' of the columns ' + ', '.join(named) if named else ''}; a list of objects, too.",
        "required": ["data"],
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}},
            "index": {"type": "array", "items": {}},
            "data": {"type": "array", "items": {"type": "array", "items": cell}},
        },
        "format": SPLIT,
    }


def _output(outputs: Sequence[Any], version: str) -> dict[str, Any]:
    if not outputs:
        return {"description": "What the model answers: its signature does not say."}
    if outputs[0]["type"] == "tensor":
        return _tensors(outputs, version)
    names = [column.get("name") for column in outputs]
    if None not in names:
        return {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {str(column["name"]): type_schema(column, version) for column in outputs},
            },
            "format": "pandas.DataFrame:records",
        }
    cell = _either([type_schema(column, version) for column in outputs], version)
    rows = {"type": "array", "items": cell} if len(outputs) > 1 else cell
    return {"type": "array", "items": rows, "format": "numpy.ndarray"}


def type_schema(spec: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return the schema of a value of a type as the signature writes it: a scalar, array, object, map or any."""
    kind = spec["type"]
    if kind == "array":
        return {"type": "array", "items": type_schema(spec["items"], version)}
    if kind == "map":
        return {"type": "object", "additionalProperties": type_schema(spec["values"], version)}
    if kind == "object":
        parts = spec["properties"]
        schema: dict[str, Any] = {"type": "object"}
        schema["properties"] = {name: type_schema(part, version) for name, part in parts.items()}
        needed = [name for name, part in parts.items() if part.get("required", True) is not False]
        return {**schema, "required": needed} if needed else schema
    if kind not in SCALARS:
        return {}
    return dict(SCALARS[kind]) if kind in WHOLE else _or_null(SCALARS[kind], version)


def _or_null(schema: Mapping[str, Any], version: str) -> dict[str, Any]:
    if version == "3.1":
        return {**schema, "type": [schema["type"], "null"]}
    return {**schema, "nullable" if version == "3" else "x-nullable": True}


def _either(schemas: Sequence[dict[str, Any]], version: str) -> dict[str, Any]:
    different = [schema for number, schema in enumerate(schemas) if schema not in schemas[:number]]
    if len(different) == 1:
        return different[0]
    return {} if version == "2" else {"anyOf": different}


def _tensors(specs: Sequence[Any], version: str) -> dict[str, Any]:
    if specs[0].get("name") is None:
        return _tensor(specs[0]["tensor-spec"], version)
    parts = {spec["name"]: _tensor(spec["tensor-spec"], version) for spec in specs}
    return {"type": "object", "required": list(parts), "properties": parts}


def _tensor(spec: Mapping[str, Any], version: str) -> dict[str, Any]:
    dtype = str(spec["dtype"])
    schema: dict[str, Any]
    if dtype.startswith(("int", "uint")):
        schema = {"type": "integer", **({"format": INTEGERS[dtype]} if dtype in INTEGERS else {})}
    elif dtype.startswith("float"):
        schema = _or_null({"type": "number", "format": "double" if dtype == "float64" else "float"}, version)
    elif dtype == "bool":
        schema = {"type": "boolean"}
    elif dtype.startswith("datetime"):
        schema = {"type": "string", "format": "date-time"}
    else:
        schema = {"type": "string"} if dtype.startswith(("str", "<U", "U", "bytes", "S")) else {}
    for size in reversed(spec["shape"]):
        schema = {"type": "array", "items": schema}
        if size != -1:
            schema |= {"minItems": size, "maxItems": size}
    return {**schema, "format": "numpy.ndarray"} if spec["shape"] else schema


def _parameter(spec: Mapping[str, Any], version: str) -> dict[str, Any]:
    schema = type_schema(spec, version)
    if spec.get("shape"):
        schema = {"type": "array", "items": schema}
    return schema if spec.get("default") is None else {**schema, "default": default_of(spec)}


def _as_split(value: Any, inputs: Sequence[Mapping[str, Any]]) -> Any:
    """Return a table, however it is written, as `columns` and `data`."""
    if is_split(value):
        return value
    if isinstance(value, list) and all(isinstance(row, list) for row in value):
        return {"data": value}
    columns = columns_of(value, [spec["name"] for spec in inputs if spec.get("name") is not None])
    if columns is None or len(set(map(len, columns.values()))) > 1:
        return value
    return {"columns": list(columns), "data": [list(row) for row in zip(*columns.values())]}  # noqa: B905 (Python 3.9)
