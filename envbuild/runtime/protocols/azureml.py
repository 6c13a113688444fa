"""Azure ML: {"input_data": ..., "params": ...} to /score, answered with the bare prediction.

A GET says the same in its query: /score?input_data=[[1,2]]&params={}. What is wrong with a request is said in the words
of Azure ML's server, which clients may look for.
"""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.parse import parse_qsl

import orjson

from ..codec.call import Call, unwrapped
from ..codec.encode import encode
from ..codec.signature import Signature
from ..errors import ClientError, RequestError
from ..wire import Answer, Request
from .json_body import loads, media_type

# Azure ML's server wants a type to be named.
UNNAMED_IS_JSON = os.environ.get("ENVBUILD_COMPAT", "").strip().lower() != "azureml"


def read(request: Request, signature: Signature) -> Call:
    """Return what a request to /score asks the model for; RequestError for one that is not well-formed."""
    content = members(request)
    if "input_data" not in content:
        raise RequestError("A value is not provided for the 'input_data' parameter.")
    payload, params = unwrapped(content["input_data"], content.get("params"), signature)
    return Call(payload, params, "input_data")


def write(call: Call, result: Any) -> Answer:
    """Return the answer of /score to a prediction; to none it is an empty object, as Azure ML's server answers."""
    return Answer(200, encode({} if result is None else result))


def members(request: Request) -> dict[str, Any]:
    """Return the named values of a request: the members of its JSON object, or the parameters of a GET's query."""
    if request.method == "GET":
        return query_members(request.query)
    _check_json(request.headers.get("content-type", ""))
    try:
        content = loads(request.body)
    except orjson.JSONDecodeError:
        content = _parsed(request.body)
    if not isinstance(content, dict):
        raise RequestError("POST body should be a JSON dictionary.")
    return content


def query_members(query: str) -> dict[str, Any]:
    """Return the parameters of a query, each as the JSON value that it holds, else as text; several make a list."""
    found: dict[str, list[Any]] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = text
        found.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def _parsed(body: bytes) -> Any:
    """Read what orjson does not: NaN and infinities, UTF-16; or say what is wrong, and nothing of the body."""
    if not body:
        raise RequestError("POST body is empty. Expecting a JSON dictionary.")
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        reason = str(error)
    except UnicodeDecodeError as error:
        reason = f"invalid {error.encoding} at byte {error.start}"
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError:
        reason = "a number has too many digits"
    raise RequestError(f"POST body could not be decoded as JSON: {reason}")


def _check_json(header: str) -> None:
    """Refuse what is not JSON in UTF-8; what has no name is taken for it."""
    kind = media_type(header)
    if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        return
    if not kind and UNNAMED_IS_JSON:
        return
    raise ClientError("Expects Content-Type to be application/json", status=415)
