"""JSON schemas (draft 2020-12) for what a signature names: columns, tensors, parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .example import default_of

Schema = dict[str, Any]

FLOAT = 3.4028234663852886e38
SCALARS: dict[str, Schema] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int32", "minimum": -(1 << 31), "maximum": (1 << 31) - 1},
    "long": {"type": "integer", "format": "int64", "minimum": -(1 << 63), "maximum": (1 << 63) - 1},
    "float": {"type": ["number", "null"], "format": "float", "minimum": -FLOAT, "maximum": FLOAT},
    "double": {"type": ["number", "null"], "format": "double"},
    "string": {"type": ["string", "null"]},
    "binary": {"type": ["string", "null"], "contentEncoding": "base64"},
    "datetime": {"type": ["string", "null"], "format": "date-time"},
}
"""By MLflow's names of types. null is a missing value; whole numbers and booleans have none."""
WHOLE = {f"{sign}int{bits}": (sign, bits) for sign in ("", "u") for bits in (8, 16, 32, 64)}
ANYTHING: Schema = {}


def typed(spec: Mapping[str, Any]) -> Schema:
    """Return the schema of a value of a type as the signature writes it: a scalar, array, object, map or any."""
    kind = spec["type"]
    if kind == "array":
        return {"type": "array", "items": typed(spec["items"])}
    if kind == "map":
        return {"type": "object", "additionalProperties": typed(spec["values"])}
    if kind == "object":
        parts = spec["properties"]
        needed = [name for name, part in parts.items() if part.get("required", True) is not False]
        properties = {name: typed(part) if name in needed else or_null(typed(part)) for name, part in parts.items()}
        return {"type": "object", "properties": properties, "required": needed}
    if kind == "sparkml_vector":
        return {"type": "array", "items": SCALARS["double"]}
    return dict(SCALARS.get(kind, ANYTHING))


def or_null(schema: Schema) -> Schema:
    """Return the schema of a value that may be missing."""
    kind = schema.get("type")
    if kind is None or kind == "null" or "null" in kind:
        return schema
    return {**schema, "type": [kind, "null"]}


def column(spec: Mapping[str, Any]) -> Schema:
    """Return the schema of a cell of a column."""
    return typed(spec) if spec.get("required", True) is not False else or_null(typed(spec))


def tensor(spec: Mapping[str, Any]) -> Schema:
    """Return the schema of a tensor as nested lists; a free dimension has any length."""
    schema = element(str(spec["dtype"]))
    for size in reversed(spec["shape"]):
        schema = {"type": "array", "items": schema}
        if size != -1:
            schema.update(minItems=size, maxItems=size)
    return schema


def element(dtype: str) -> Schema:
    """Return the schema of an element of a tensor, by numpy's name of its type."""
    if dtype in WHOLE:
        sign, bits = WHOLE[dtype]
        low, high = (0, (1 << bits) - 1) if sign else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        return {"type": "integer", "minimum": low, "maximum": high}
    if dtype.startswith(("float", "complex")):
        return {"type": ["number", "null"], **({"minimum": -FLOAT, "maximum": FLOAT} if dtype == "float32" else {})}
    if dtype == "bool":
        return {"type": "boolean"}
    if dtype.startswith("datetime64"):
        return {"type": ["string", "null"], "format": "date-time"}
    return {"type": "string"} if dtype.startswith(("str", "<U", "U", "bytes", "|S", "S")) else ANYTHING


def parameters(specs: Sequence[Mapping[str, Any]]) -> Schema:
    """Return the schema of the parameters that may come with a request; unknown ones are left out of account."""
    properties = {}
    for spec in specs:
        schema = typed(spec)
        if spec.get("shape"):
            schema = {"type": "array", "items": schema}
        properties[spec["name"]] = {**schema, "default": default_of(spec)}
    return {"type": "object", "properties": properties}


def split(specs: Sequence[Mapping[str, Any]]) -> Schema:
    """Return the schema of a table as `columns` and `data`, in the order of the signature."""
    row: Schema = {
        "type": "array",
        "prefixItems": [column(spec) for spec in specs],
        "minItems": len(specs),
        "maxItems": len(specs),
    }
    properties: dict[str, Schema] = {"data": {"type": "array", "items": row}, "index": {"type": "array"}}
    named = [spec["name"] for spec in specs if spec.get("name") is not None]
    if len(named) == len(specs):
        properties["columns"] = {
            "const": named,
            "description": "In any order, that of the values in a row; without it the order is this.",
        }
    return {"type": "object", "properties": properties, "required": ["data"], "additionalProperties": False}


def records(specs: Sequence[Mapping[str, Any]]) -> Schema:
    """Return the schema of a table as a list of objects."""
    needed = [spec["name"] for spec in specs if spec.get("required", True) is not False]
    properties = {spec["name"]: column(spec) for spec in specs}
    return {"type": "array", "items": {"type": "object", "properties": properties, "required": needed}}


def columns(specs: Sequence[Mapping[str, Any]]) -> Schema:
    """Return the schema of a table as an object with a list for each column."""
    needed = [spec["name"] for spec in specs if spec.get("required", True) is not False]
    properties = {spec["name"]: {"type": "array", "items": column(spec)} for spec in specs}
    return {"type": "object", "properties": properties, "required": needed}


def rows(specs: Sequence[Mapping[str, Any]]) -> Schema:
    """Return the schema of a table as a list of rows, or of values where there is one column."""
    if len(specs) == 1:
        return {"type": "array", "items": column(specs[0])}
    schema: Schema = split(specs)["properties"]["data"]
    return schema


def named_tensors(specs: Sequence[Mapping[str, Any]]) -> Schema:
    """Return the schema of tensors: one without a name by itself, several as an object."""
    if specs[0].get("name") is None:
        return tensor(specs[0]["tensor-spec"])
    properties = {spec["name"]: tensor(spec["tensor-spec"]) for spec in specs}
    return {"type": "object", "properties": properties, "required": list(properties)}
