"""Read a request's JSON body, and where each protocol puts the value and its parameters in it.

Azure ML: {"input_data": ..., "params": ...} to /score. MLflow: one of four keys and params to /invocations.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from .errors import ClientError

MLFLOW_FORMS = {"dataframe_split": "split", "dataframe_records": "records", "instances": "any", "inputs": "any"}


def parse_json(body: bytes) -> Any:
    """Return the parsed body.

    The words NaN, Infinity and -Infinity are no JSON, but MLflow's own input examples hold them: they are read.
    """
    if not body.strip():
        raise ClientError("The body is empty. A JSON object is expected.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if b"NaN" in body or b"Infinity" in body:
            try:
                return json.loads(body)
            except ValueError:
                pass
        raise ClientError(f"The body is not JSON: {error}") from None


def azure_request(body: bytes) -> tuple[Any, Any]:
    """Return (value, params) of a body of /score."""
    content = _object(parse_json(body))
    if "input_data" not in content:
        raise ClientError("A value is not provided for the 'input_data' parameter.")
    payload = content["input_data"]
    while isinstance(payload, dict) and set(payload) == {"input_data"}:
        payload = payload["input_data"]
    return payload, content.get("params")


def mlflow_request(body: bytes) -> tuple[Any, Any, str, str]:
    """Return (value, params, key, form) of a body of /invocations; form is that of `decode.decode`."""
    content = _object(parse_json(body))
    keys = [key for key in MLFLOW_FORMS if key in content]
    if len(keys) != 1:
        found = f"found {', '.join(keys)}" if keys else "found none"
        raise ClientError(f"The body needs exactly one of {', '.join(MLFLOW_FORMS)}; {found}.")
    return content[keys[0]], content.get("params"), keys[0], MLFLOW_FORMS[keys[0]]


def check_content_type(header: str) -> None:
    """Refuse what is neither JSON in UTF-8 nor unnamed; names and parameters in any case, as HTTP allows."""
    kind, _, parameters = header.partition(";")
    if kind.strip().lower() not in ("", "application/json"):
        raise ClientError("Expects Content-Type to be application/json", status=415)
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        charset = value.strip().strip('"').lower()
        if name.strip().lower() == "charset" and charset not in ("utf-8", "utf8", "us-ascii"):
            raise ClientError(f"Expects the charset to be utf-8, not {charset}", status=415)


def _object(content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ClientError("The body has to be a JSON object.")
    return content
