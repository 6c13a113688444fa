"""Ask the model or the script, off the event loop, and say for each protocol how the answer reads."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from .bodies import azure_request, check_content_type, mlflow_request
from .encode import encode
from .script import Script

if TYPE_CHECKING:
    from .model import Model


@dataclass(frozen=True)
class Answer:
    """An HTTP answer that is not sent yet."""

    status: int
    body: bytes
    media_type: str = "application/json"
    headers: Mapping[str, str] | None = None
    seconds: float = 0.0
    """Time in the model or script."""


def azure_error(status: int, message: str) -> Answer:
    """An error as Azure ML's server words it."""
    return Answer(status, orjson.dumps({"message": message}))


def mlflow_error(status: int, message: str) -> Answer:
    """An error as MLflow's server words it."""
    code = "INTERNAL_ERROR" if status >= 500 else "BAD_REQUEST"
    return Answer(status, orjson.dumps({"error_code": code, "message": message}))


def score(model: Model, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Answer /score with the bare prediction."""
    check_content_type(headers.get("content-type", ""))
    payload, params = azure_request(body)
    data = model.decode(payload, label="input_data")
    started = time.perf_counter()
    result = model.predict_decoded(data, params)
    seconds = time.perf_counter() - started
    return Answer(200, encode(result), seconds=seconds)


def invocations(model: Model, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Answer /invocations with {"predictions": ...}."""
    check_content_type(headers.get("content-type", ""))
    payload, params, key, form = mlflow_request(body)
    data = model.decode(payload, label=key, form=form)
    started = time.perf_counter()
    result = model.predict_decoded(data, params)
    seconds = time.perf_counter() - started
    return Answer(200, b'{"predictions":' + encode(result) + b"}", seconds=seconds)


def run_script(script: Script, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Answer /score with what the script's `run()` returns: JSON, or a response of Flask's kind as it is."""
    started = time.perf_counter()
    result = script.call(body, headers)
    seconds = time.perf_counter() - started
    if hasattr(result, "get_data") and hasattr(result, "status_code"):
        return _response(result, seconds)
    return Answer(200, encode({} if result is None else result), seconds=seconds)


def _response(result: Any, seconds: float) -> Answer:
    headers: dict[str, str] = {}
    for name, value in result.headers.items():
        if name.lower() not in ("content-type", "content-length"):
            headers[name.lower()] = str(value)
    if result.status_code >= 500:
        headers["x-ms-run-function-failed"] = "True"
    media_type = result.headers.get("content-type") or "application/octet-stream"
    return Answer(result.status_code, result.get_data(), media_type, headers, seconds)
