"""Azure ML: {"input_data": ..., "params": ...} to /score, answered with the bare prediction."""

from __future__ import annotations

from typing import Any

from ..codec.call import Call
from ..codec.encode import encode
from ..codec.signature import Signature
from ..errors import ClientError
from ..wire import Answer, Request
from .json_body import check_json, parse_object


def read(request: Request, signature: Signature) -> Call:
    """Return what a request to /score asks the model for."""
    check_json(request.headers.get("content-type", ""))
    content = parse_object(request.body)
    if "input_data" not in content:
        raise ClientError("A value is not provided for the 'input_data' parameter.")
    payload = content["input_data"]
    while isinstance(payload, dict) and set(payload) == {"input_data"}:
        payload = payload["input_data"]
    return Call(payload, content.get("params"), "input_data")


def write(call: Call, result: Any) -> Answer:
    """Return the answer of /score to a prediction."""
    return Answer(200, encode(result))
