"""The signature and the input example of MLmodel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .types import Field, InputExample, Signature


class BadSignatureError(Exception):
    """A part of the signature is not what MLflow writes. `part` is `inputs`, `outputs` or `params`."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part
        self.message = message


def parse_signature(raw: Any) -> Signature | None:
    """The value of `signature`: each part a JSON text or a list; None where there is none. Raises BadSignatureError."""
    if raw is None:
        return None
    if not isinstance(raw, Mapping):
        raise BadSignatureError("", "`signature` does not hold inputs, outputs and params")
    return Signature(inputs=_fields(raw, "inputs"), outputs=_fields(raw, "outputs"), params=_fields(raw, "params"))


def parse_input_example(raw: Any) -> InputExample | None:
    """The value of `saved_input_example_info`; None where it names no file."""
    if not isinstance(raw, Mapping) or not isinstance(raw.get("artifact_path"), str):
        return None
    return InputExample(
        path=raw["artifact_path"],
        kind=_text(raw.get("type")),
        orient=_text(raw.get("pandas_orient")),
        serving_path=_text(raw.get("serving_input_path")),
        has_params=_text(raw.get("params")).lower() == "true",
    )


def _fields(raw: Mapping[str, Any], part: str) -> tuple[Field, ...]:
    value = raw.get(part)
    if not value:  # As MLflow has it, for an empty text too.
        return ()
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise BadSignatureError(part, f"the {part} of the signature are no JSON: {error}") from None
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadSignatureError(part, f"the {part} of the signature are no list")
    return tuple([_field(spec, part) for spec in value])


def _field(spec: Any, part: str) -> Field:
    if not isinstance(spec, dict):
        raise BadSignatureError(part, f"the {part} of the signature hold something that is no field")
    kind = spec.get("type")
    if part == "params":
        kind = kind or spec.get("dtype")  # What MLflow wrote once.
    if not isinstance(kind, str):
        raise BadSignatureError(part, f"a field of the signature's {part} has no type")
    tensor = spec.get("tensor-spec")
    dtype, shape = "", ()
    if kind == "tensor":
        if not isinstance(tensor, dict) or not _is_shape(tensor.get("shape")):
            raise BadSignatureError(part, f"a tensor of the signature's {part} has no shape")
        dtype, shape = _text(tensor.get("dtype")), tuple(tensor["shape"])
    return Field(
        name=_text(spec.get("name")),
        type=kind,
        required=spec.get("required") is not False and not spec.get("optional", False),
        dtype=dtype,
        shape=shape,
        spec=spec,
    )


def _is_shape(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(n, int) and not isinstance(n, bool) for n in value)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
