"""The schemas of one model's requests and answers in the three protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..protocols.datatypes import DTYPES
from . import openapi_types as types
from .example import UNIFIED
from .facts import Facts

Schema = types.Schema
LANGUAGE: Schema = {
    "title": "chat, prompt or text to embed",
    "type": "object",
    "anyOf": [{"required": [key]} for key in sorted(UNIFIED)],
}
NO_SIGNATURE = "The model has no signature: a table, a list or an object, as it takes."


def schemas(facts: Facts) -> dict[str, Schema]:
    """Return the schemas of a model, by the names that operations refer to."""
    value, result = _value(facts), _result(facts)
    params = {"params": types.parameters(facts.params)} if facts.params else {}
    return {
        "ScoreRequest": {
            "type": "object",
            "properties": {"input_data": value, **params},
            "required": ["input_data"],
        },
        "ScoreAnswer": result,
        "InvocationsRequest": {
            "oneOf": [
                *(_form(key, schema, params) for key, schema in _forms(facts, value).items()),
                *([LANGUAGE] if facts.unified else ()),
            ]
        },
        "InvocationsAnswer": _invocations_answer(facts, result),
        "InferRequest": _infer(facts),
        "InferAnswer": _inferred(),
        "ModelMetadata": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "versions": {"type": "array", "items": {"type": "string"}},
                "platform": {"type": "string"},
                "inputs": {"type": "array", "items": _tensor_head()},
                "outputs": {"type": "array", "items": _tensor_head()},
            },
            "required": ["name", "platform", "inputs", "outputs"],
        },
        "MlflowError": {
            "type": "object",
            "properties": {"error_code": {"type": "string"}, "message": {"type": "string"}},
            "required": ["error_code", "message"],
        },
        "InferError": {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]},
    }


def _value(facts: Facts) -> Schema:
    """Return what `input_data` and `inputs` take."""
    inputs = facts.inputs
    if not inputs:
        return {"description": NO_SIGNATURE}
    if inputs[0]["type"] == "tensor":
        return types.named_tensors(inputs)
    if facts.typed:
        return types.rows(inputs) if len(inputs) == 1 else {}
    if None in [spec.get("name") for spec in inputs]:
        return {"anyOf": [types.rows(inputs), types.split(inputs)]}
    return {"anyOf": [types.split(inputs), types.records(inputs), types.columns(inputs)]}


def _forms(facts: Facts, value: Schema) -> dict[str, Schema]:
    """Return what each key of /invocations takes, of those that fit the model."""
    inputs = facts.inputs
    if facts.typed:
        return {"inputs": value}
    if not inputs:
        table: Schema = {"type": "object", "properties": {"data": {"type": "array"}}, "required": ["data"]}
        listed: Schema = {"type": "array", "items": {"type": "object"}}
        return {"dataframe_split": table, "dataframe_records": listed, "instances": {}, "inputs": {}}
    if inputs[0]["type"] == "tensor":
        return {"instances": value, "inputs": value}
    forms = {"dataframe_split": types.split(inputs)}
    if None in [spec.get("name") for spec in inputs]:
        rows = types.rows(inputs)
        return {**forms, "instances": rows, "inputs": rows}
    records = types.records(inputs)
    return {**forms, "dataframe_records": records, "instances": records, "inputs": types.columns(inputs)}


def _form(key: str, schema: Schema, params: Mapping[str, Schema]) -> Schema:
    return {
        "title": key,
        "type": "object",
        "properties": {key: schema, **params},
        "required": [key],
        "additionalProperties": False,
    }


def _invocations_answer(facts: Facts, result: Schema) -> Schema:
    named: Schema = {"type": "object", "properties": {"predictions": result}, "required": ["predictions"]}
    if not facts.unified:
        return named
    return {"anyOf": [named, {"description": "To a chat, a prompt or a text to embed: what the model answers, bare."}]}


def _result(facts: Facts) -> Schema:
    """Return what the model answers. Signatures are not held against answers, so what may be null is."""
    outputs = facts.outputs
    if not outputs:
        return {"description": "What the model answers: its signature does not say."}
    if outputs[0]["type"] == "tensor":
        return types.named_tensors(outputs)
    if None in [spec.get("name") for spec in outputs]:
        return {"type": "array", "description": "One value for each row."}
    row = {
        "type": "object",
        "properties": {spec["name"]: types.or_null(types.typed(spec)) for spec in outputs},
    }
    rows: Schema = {"type": "array", "items": row}
    # A language model answers a chat with one object.
    return {"anyOf": [rows, row]} if facts.unified and facts.inputs else rows


def _infer(facts: Facts) -> Schema:
    """Return what infer takes: a tensor for each input, in any order."""
    entries = [_entry(spec) for spec in facts.tensors]
    schema: Schema = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "parameters": types.parameters(facts.params) if facts.params else {"type": "object"},
            "inputs": {"type": "array", "minItems": 1, "items": _either(entries)},
            "outputs": {
                "type": "array",
                "items": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
            },
        },
        "required": ["inputs"],
    }
    return schema


def _entry(spec: Mapping[str, Any]) -> Schema:
    size: Schema = {"type": "integer", "minimum": 0}
    shape: Schema = {
        "type": "array",
        "minItems": len(spec["shape"]),
        # An empty list of items is no schema.
        **(
            {"prefixItems": [size if each == -1 else {"const": each} for each in spec["shape"]]}
            if spec["shape"]
            else {}
        ),
    }
    properties: dict[str, Schema] = {
        "name": {"const": spec["name"]},
        "shape": shape,
        "datatype": {"const": spec["datatype"]},
        "data": {"type": "array", "description": "In row-major order, flat or nested."},
    }
    if "parameters" in spec:
        properties["parameters"] = {"type": "object", "default": spec["parameters"]}
    return {"type": "object", "properties": properties, "required": ["name", "shape", "datatype", "data"]}


def _either(entries: Sequence[Schema]) -> Schema:
    if entries:
        return {"anyOf": list(entries)} if len(entries) > 1 else entries[0]
    head = _tensor_head()
    return {
        **head,
        "properties": {**head["properties"], "data": {"type": "array"}},
        "required": [*head["required"], "data"],
    }


def _inferred() -> Schema:
    head = _tensor_head()
    data = {"properties": {**head["properties"], "data": {"type": "array"}}, "required": [*head["required"], "data"]}
    return {
        "type": "object",
        "properties": {
            "model_name": {"type": "string"},
            "model_version": {"type": "string"},
            "id": {"description": "That of the request; absent if it has none."},
            "outputs": {"type": "array", "items": {**head, **data}},
        },
        "required": ["model_name", "outputs"],
    }


def _tensor_head() -> Schema:
    return {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "datatype": {"enum": sorted(DTYPES)},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": -1}},
            "parameters": {"type": "object"},
        },
        "required": ["name", "datatype", "shape"],
    }
