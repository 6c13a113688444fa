"""What a protocol found in a request: a value for the model, how it is written, and parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .signature import Signature


@dataclass
class Call:
    """A request to the model, before its values are looked at."""

    payload: Any
    """A JSON value; the bytes of the body for the forms `csv` and `parquet`."""
    params: Any = None
    label: str = "input"
    """The request's name for the value, for messages."""
    form: str = "any"
    """`split`, `records`, `csv`, `parquet`, `raw` (the model takes the value as it is), or `any`: the value shows."""
    extra: dict[str, Any] = field(default_factory=dict)
    """What the protocol needs again when it writes the answer."""


def unwrapped(payload: Any, params: Any, signature: Signature) -> tuple[Any, Any]:
    """Return `input_data` and `params` of Azure ML's protocol without what some clients wrap around them.

    Azure ML lets a pipeline of transformers be asked with {"input_string": ..., "parameters": ...}, unless the model
    itself calls something so.
    """
    while isinstance(payload, dict) and set(payload) == {"input_data"}:
        payload = payload["input_data"]
    if signature.pipeline and isinstance(payload, dict):
        if params is None and "parameters" in payload and "parameters" not in signature.names:
            params = payload["parameters"]
            payload = {name: value for name, value in payload.items() if name != "parameters"}
        if set(payload) == {"input_string"} and "input_string" not in signature.names:
            payload = payload["input_string"]
    return payload, params
