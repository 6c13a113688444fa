"""MLflow's scoring server: one of four keys and `params` to /invocations, answered with {"predictions": ...}.

The unified payloads for language models have none of the keys: the whole object is the model's input, and the answer
is not wrapped. Nor is it for the content types of MLflow 1.x, which say by themselves how a table is written.
"""

from __future__ import annotations

from typing import Any

from ..codec.call import Call
from ..codec.encode import encode
from ..codec.scalars import kind_of
from ..codec.signature import Signature
from ..errors import ClientError, InputError, RequestError
from ..wire import Answer, Request
from .json_body import media_type, parse_json

FORMS = {"dataframe_split": "split", "dataframe_records": "records", "instances": "any", "inputs": "any"}
UNIFIED = ("messages", "prompt", "input")
"""One of these makes a payload for a chat, a completion or an embedding."""
FILES = {"text/csv": "csv", "application/vnd.apache.parquet": "parquet"}
TYPES = ("text/csv", "application/json", "application/vnd.apache.parquet")
OLD = {"pandas-split": "split", "pandas-records": "records"}
"""The formats of MLflow 1.x: `application/json; format=pandas-split`."""
OLD_NUMPY = "application/json-numpy-split"


def read(request: Request, signature: Signature) -> Call:
    """Return what a request to /invocations asks the model for; RequestError for one that is not well-formed."""
    header = request.headers.get("content-type", "")
    try:
        form = body_form(header)
        if form in FILES.values():
            return Call(request.body, None, "body", form)
        content = parse_json(request.body)
    except RequestError:
        raise
    except ClientError as problem:
        raise RequestError(problem.message, status=problem.status) from None
    if form != "json":
        return Call(content, None, "body", form, {"bare": True})
    if not isinstance(content, dict):
        raise RequestError(
            f"The body has to be a JSON object with exactly one of {', '.join(FORMS)}, got {kind_of(content)}."
        )
    if any(key in content for key in UNIFIED):
        known = {param.name for param in signature.params}
        params = {name: value for name, value in content.items() if name in known}
        data = {name: value for name, value in content.items() if name not in known}
        return Call(data, params or None, "body", "raw", {"bare": True})
    keys = [key for key in FORMS if key in content]
    if len(keys) != 1:
        found = f"found {', '.join(keys)}" if keys else "found none"
        raise RequestError(f"The body needs exactly one of {', '.join(FORMS)}; {found}.")
    if signature.typed and keys[0] != "inputs":
        raise InputError(f"The model's type hints say what it takes, so the body needs 'inputs', not {keys[0]!r}.")
    return Call(content[keys[0]], content.get("params"), keys[0], FORMS[keys[0]])


def write(call: Call, result: Any) -> Answer:
    """Return the answer of /invocations to a prediction."""
    content = encode(result)
    return Answer(200, content if call.extra.get("bare") else b'{"predictions":' + content + b"}")


def body_form(header: str) -> str:
    """Return the form of a body by its Content-Type: `json`, `csv`, `parquet`, or of MLflow 1.x `split`, `records`.

    Without the header it is JSON. RequestError (415) for any other.
    """
    name = media_type(header)
    if name in FILES:
        return FILES[name]
    if name == OLD_NUMPY:
        return "split"
    if name not in ("", "application/json"):
        raise RequestError(f"Expects Content-Type to be one of {', '.join(TYPES)}", status=415)
    for parameter in header.split(";")[1:]:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "format":
            form = OLD.get(value.strip().strip('"').lower())
            if form is None:
                raise RequestError(f"Expects the format to be one of {', '.join(OLD)}", status=415)
            return form
    return "json"
