"""The Open Inference protocol: named tensors to /v2/models/MODEL/infer, answered with named tensors.

The answer's tensors are made in `outputs`, their names and the model's are in `outline`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..codec.call import Call
from ..codec.encode import encode
from ..codec.scalars import kind_of
from ..codec.signature import Signature
from ..errors import ClientError, InputError, RequestError
from ..wire import Answer, Request
from .datatypes import DTYPES
from .inputs import Given, arranged, given
from .json_body import media_type, parse_object
from .outline import served, version
from .outputs import tensors

MEDIA_TYPES = ("", "application/json", "application/octet-stream", "application/x-www-form-urlencoded")
"""Beside JSON what clients say that name nothing: Triton's server looks at the body alone."""
PLACES = ("binary_data_size", "shared_memory_region")
"""The parameters of a tensor whose data is not in the JSON."""


def read(request: Request, signature: Signature) -> Call:
    """Return what a request to infer asks the model for; RequestError for one that is not well-formed."""
    if "inference-header-content-length" in request.headers:
        raise RequestError(
            "The binary tensor data extension is not supported. Send the data in the JSON (tritonclient: "
            "binary_data=False)."
        )
    if media_type(request.headers.get("content-type", "")) not in MEDIA_TYPES:
        raise RequestError("Expects Content-Type to be application/json", status=415)
    try:
        content = parse_object(request.body)
    except ClientError as problem:
        raise RequestError(problem.message, status=problem.status) from None
    identifier = content.get("id")
    # Not isinstance: true is a number to it.
    if identifier is not None and type(identifier) not in (str, int):
        raise RequestError(f"'id' has to be a string, got {kind_of(identifier)}")
    parameters = content.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise RequestError(f"'parameters' has to be an object, got {kind_of(parameters)}")
    payload, form = arranged(_inputs(content), signature, served(), parameters.get("content_type"))
    extra = {"id": identifier, "path": request.path, "wanted": _wanted(content.get("outputs"))}
    # Those that the model does not know are left out there: binary_data_output, priority, content_type, ...
    return Call(payload, parameters, "inputs", form, extra)


def write(call: Call, result: Any) -> Answer:
    """Return the answer of infer to a prediction; InputError if it has not the outputs that were asked for."""
    found = tensors(result, [tensor["name"] for tensor in served().outputs])
    wanted = call.extra["wanted"]
    if wanted is not None:
        by_name = {tensor["name"]: tensor for tensor in found}
        unknown = [name for name in wanted if name not in by_name]
        if unknown:
            has = ", ".join(map(repr, by_name))
            raise InputError(f"The model has no output {', '.join(map(repr, unknown))}; it has {has}.")
        found = [by_name[name] for name in wanted]
    name, given_version = named(call.extra["path"])
    answer: dict[str, Any] = {"model_name": name, "model_version": given_version or version(os.environ)}
    if call.extra["id"] is not None:
        answer["id"] = call.extra["id"]
    return Answer(200, encode({**answer, "outputs": found}))


def named(path: str) -> tuple[str, str | None]:
    """Return the model's name and version, if it is there, of the path of an infer request."""
    parts = path.split("/")
    return parts[3], parts[5] if len(parts) > 5 and parts[4] == "versions" else None


def _inputs(content: Mapping[str, Any]) -> list[Given]:
    entries = content.get("inputs")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise RequestError("The body needs 'inputs', a list of tensors: name, shape, datatype and data.")
    found: dict[str, Given] = {}
    for number, entry in enumerate(entries):
        name = entry.get("name")
        if not isinstance(name, str):
            raise RequestError(f"inputs[{number}] needs a 'name', a string")
        label = f"input {name!r}"
        if name in found:
            raise RequestError(f"{label} is there twice")
        shape, datatype, parameters = entry.get("shape"), entry.get("datatype"), entry.get("parameters") or {}
        if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
            raise RequestError(f"{label} needs a 'shape', a list of whole numbers from 0 on")
        if not isinstance(datatype, str) or datatype not in DTYPES:
            raise RequestError(f"{label} needs a 'datatype', one of {', '.join(DTYPES)}")
        if not isinstance(parameters, dict):
            raise RequestError(f"{label}: 'parameters' has to be an object, got {kind_of(parameters)}")
        for place in PLACES:
            if place in parameters:
                raise RequestError(f"{label}: {place!r} is not supported, the data has to be in the JSON")
        if "data" not in entry:
            raise RequestError(f"{label} needs 'data'")
        found[name] = given(name, datatype, shape, entry["data"], parameters.get("content_type"))
    return list(found.values())


def _wanted(entries: Any) -> list[str] | None:
    if entries is None or entries == []:
        return None
    if not isinstance(entries, list):
        raise RequestError(f"'outputs' has to be a list, got {kind_of(entries)}")
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in entries]
    if not all(isinstance(name, str) for name in names):
        raise RequestError("'outputs' has to be a list of objects with a 'name'")
    return [str(name) for name in names]
