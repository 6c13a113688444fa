"""The parts of which OpenAPI's descriptions of operations are made: answers, parameters, references to schemas."""

from __future__ import annotations

from typing import Any

from .facts import Facts

Content = dict[str, Any]

REFERENCE = "#/components/schemas/"
COMMON: Content = {
    "Message": {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]},
}
"""Schemas that there are for a script too."""
REASONS = {
    400: "The request does not fit: the text says what and where.",
    404: "There is no such model or version.",
    408: "The body took too long to arrive.",
    413: "The body is too large.",
    415: "The content type or charset is not one that is read.",
    431: "An identifier is longer than 100 characters.",
    500: "The model failed, or took too long. The reason is in the log.",
    503: "The model is being loaded, or too many requests wait. Retry-After says when to come again.",
    504: "The prediction took too long.",
}
ERRORS = {"score": "Message", "invocations": "MlflowError", "infer": "InferError"}
IDENTIFIERS = [
    {
        "name": name,
        "in": "header",
        "required": False,
        "description": text,
        "schema": {"type": "string", "maxLength": 100},
    }
    for name, text in (
        ("x-request-id", "Names the request in answer and log; made up if it is absent."),
        ("x-ms-client-request-id", "The client's own name for the request; it comes back."),
        ("x-ms-request-id", "The older name of both."),
    )
]


def answer(description: str, schema: Content, media_type: str = "application/json") -> Content:
    """Return the description of an answer."""
    return {"description": description, "content": {media_type: {"schema": schema}}}


def error(kind: str) -> Content:
    """Return the schema of an error as the protocol of `kind` words it."""
    return {"$ref": REFERENCE + ERRORS[kind]}


def refusal(kind: str, status: int, compat: str = "") -> Content:
    """Return the description of an answer that is an error; `compat` names the server that is imitated."""
    if compat == "mlflow" and kind == "invocations" and status == 415:
        return answer(REASONS[status], {"type": "string"}, "text/plain")
    return answer(REASONS[status], error(kind))


def reference(facts: Facts, name: str) -> Content:
    """Return the schema of that name; of a script that has no decorators to tell it, a description."""
    if facts.script and name not in facts.schemas:
        return {"description": "What the script reads." if name.endswith("Request") else "What the script answers."}
    return {"$ref": REFERENCE + name}


def in_path(path: str, facts: Facts) -> list[Content]:
    """Return the parameters that a path holds: the model and its version."""
    found: list[Content] = []
    if "{model}" in path:
        schema: Content = {"type": "string", "enum": [facts.name]}
        found.append({"name": "model", "in": "path", "required": True, "schema": schema})
    if "{version}" in path:
        schema = {"type": "string", "pattern": "^[0-9]+$", "examples": [facts.version]}
        found.append({"name": "version", "in": "path", "required": True, "schema": schema})
    return found


def identifier(name: str, path: str) -> str:
    """Return an operationId: `name`, told apart for the path that names a version."""
    return f"{name}_version" if "{version}" in path else name
