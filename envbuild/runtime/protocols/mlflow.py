"""MLflow's scoring server: one of four keys and `params` to /invocations, answered with {"predictions": ...}."""

from __future__ import annotations

from typing import Any

from ..codec.call import Call
from ..codec.encode import encode
from ..codec.signature import Signature
from ..errors import ClientError
from ..wire import Answer, Request
from .json_body import check_json, parse_object

FORMS = {"dataframe_split": "split", "dataframe_records": "records", "instances": "any", "inputs": "any"}


def read(request: Request, signature: Signature) -> Call:
    """Return what a request to /invocations asks the model for."""
    check_json(request.headers.get("content-type", ""))
    content = parse_object(request.body)
    keys = [key for key in FORMS if key in content]
    if len(keys) != 1:
        found = f"found {', '.join(keys)}" if keys else "found none"
        raise ClientError(f"The body needs exactly one of {', '.join(FORMS)}; {found}.")
    return Call(content[keys[0]], content.get("params"), keys[0], FORMS[keys[0]])


def write(call: Call, result: Any) -> Answer:
    """Return the answer of /invocations to a prediction."""
    return Answer(200, b'{"predictions":' + encode(result) + b"}")
