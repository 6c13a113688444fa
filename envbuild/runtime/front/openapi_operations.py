"""The operations that a server may answer, and how OpenAPI describes each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
ASKING = (400, 408, 413, 415, 431, 500, 503)
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
    )
]
SIZE_ONE = 20_000
"""Characters of an example that is shown."""


@dataclass(frozen=True)
class Operation:
    """A method and a pattern of paths, and what describes them."""

    method: str
    path: str
    """A regular expression for the route."""
    describe: Callable[[Facts, str], Content]


def _get(tag: str, name: str, summary: str, answers: Mapping[int, Any], *parameters: Content) -> Callable[..., Content]:
    def describe(facts: Facts, path: str) -> Content:
        given = [*parameters, *_in_path(path, facts)]
        return {
            "tags": [tag],
            "operationId": _identifier(name, path),
            "summary": summary,
            **({"parameters": given} if given else {}),
            "responses": {str(status): answer for status, answer in answers.items()},
        }

    return describe


def _ask(kind: str, tag: str, summary: str, statuses: tuple[int, ...]) -> Callable[..., Content]:
    """Describe a route that asks the model."""
    name = {"score": "Score", "invocations": "Invocations", "infer": "Infer"}[kind]

    def describe(facts: Facts, path: str) -> Content:
        answers = {"200": _answer("The prediction.", _reference(facts, f"{name}Answer"))}
        answers.update((str(status), _answer(REASONS[status], _error(kind))) for status in statuses)
        if facts.script:
            answers["default"] = {"description": "What the script answers with a status of its own."}
        return {
            "tags": [tag],
            "operationId": _identifier(kind, path),
            "summary": summary,
            "parameters": [*IDENTIFIERS, *_in_path(path, facts)],
            "requestBody": {"required": True, "content": _bodies(kind, name, facts)},
            "responses": answers,
        }

    return describe


def _bodies(kind: str, name: str, facts: Facts) -> Content:
    body: Content = {"schema": _reference(facts, f"{name}Request")}
    sample = facts.samples.get(kind)
    if sample is not None and len(str(sample)) <= SIZE_ONE:
        body["examples"] = {"example": {"summary": "The model's example", "value": sample}}
    found = {"application/json": body}
    if kind == "invocations" and not facts.typed:
        found["text/csv"] = {"schema": {"type": "string", "description": "The first line names the columns."}}
        found["application/vnd.apache.parquet"] = {"schema": {"description": "A file with a table."}}
    return found


def _query(facts: Facts, path: str) -> Content:
    """Describe GET /score."""
    asked = _ask("score", "Azure ML", "Ask with the parts of the body in the query, each as JSON", ASKING)(facts, path)
    del asked["requestBody"]
    for name in () if facts.script else ("input_data", *(("params",) if facts.params else ())):
        schema = {"$ref": f"{REFERENCE}ScoreRequest/properties/{name}"}
        content = {"application/json": {"schema": schema}}
        asked["parameters"].append({"name": name, "in": "query", "required": name == "input_data", "content": content})
    return {**asked, "operationId": "score_get"}


def _reference(facts: Facts, name: str) -> Content:
    if facts.script and name not in facts.schemas:
        return {"description": "What the script reads." if name.endswith("Request") else "What the script answers."}
    return {"$ref": REFERENCE + name}


def _error(kind: str) -> Content:
    return {"$ref": REFERENCE + ERRORS[kind]}


def _answer(description: str, schema: Content, media_type: str = "application/json") -> Content:
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _in_path(path: str, facts: Facts) -> list[Content]:
    found: list[Content] = []
    if "{model}" in path:
        schema: Content = {"type": "string", "enum": [facts.name]}
        found.append({"name": "model", "in": "path", "required": True, "schema": schema})
    if "{version}" in path:
        schema = {"type": "string", "pattern": "^[0-9]+$", "examples": [facts.version]}
        found.append({"name": "version", "in": "path", "required": True, "schema": schema})
    return found


def _identifier(name: str, path: str) -> str:
    return f"{name}_version" if "{version}" in path else name


_TEXT: Content = {"type": "string"}
_OBJECT: Content = {"type": "object"}
_LOADING = _answer(REASONS[503], _TEXT, "text/plain")
_LONG = _answer(REASONS[431], _error("score"))
_UNKNOWN = _answer(REASONS[404], _error("infer"))
_MODEL = "/v2/models/[^/]+(/versions/[^/]+)?"
_VERSIONS = {"type": "string", "enum": ["2", "2.0", "3", "3.0", "3.1"]}

OPERATIONS = (
    Operation("POST", "/score", _ask("score", "Azure ML", "Ask as Azure ML's clients do", ASKING)),
    Operation("GET", "/score", _query),
    Operation("POST", "/invocations", _ask("invocations", "MLflow", "Ask as MLflow's clients do", (*ASKING, 504))),
    Operation(
        "POST",
        f"{_MODEL}/infer",
        _ask("infer", "Open Inference", "Ask as clients of KServe, Triton and MLServer do", (404, *ASKING, 504)),
    ),
    Operation(
        "GET",
        _MODEL,
        _get(
            "Open Inference",
            "model_metadata",
            "The model's inputs and outputs",
            {200: _answer("The description.", {"$ref": REFERENCE + "ModelMetadata"}), 404: _UNKNOWN},
        ),
    ),
    Operation(
        "GET",
        f"{_MODEL}/ready",
        _get(
            "Open Inference",
            "model_ready",
            "Whether the model is loaded",
            {200: _answer("It is.", _OBJECT), 404: _UNKNOWN, 503: _answer(REASONS[503], _OBJECT)},
        ),
    ),
    Operation("GET", "/v2", _get("Open Inference", "server", "The server", {200: _answer("Its name.", _OBJECT)})),
    Operation("GET", "/v2/health/live", _get("Health", "live", "Liveness", {200: _answer("Live.", _OBJECT)})),
    Operation(
        "GET",
        "/v2/health/ready",
        _get("Health", "v2_ready", "Readiness", {200: _answer("Ready.", _OBJECT), 503: _answer(REASONS[503], _OBJECT)}),
    ),
    Operation(
        "GET",
        "/",
        _get(
            "Health",
            "healthy",
            "Liveness: 200 from the first load on",
            {200: _answer("Healthy.", _TEXT, "text/plain"), 431: _LONG, 503: _LOADING},
            *IDENTIFIERS,
        ),
    ),
    *(
        Operation(
            "GET",
            f"/{name}",
            _get(
                "Health",
                name,
                "Readiness: 200 while a worker has the model loaded",
                # The body is a line's end, as MLflow's server gives it.
                {200: {"description": "Ready.", "content": {"application/json": {}}}, 503: _LOADING},
            ),
        )
        for name in ("ping", "health")
    ),
    Operation(
        "GET",
        "/version",
        _get(
            "MLflow",
            "version",
            "MLflow's version",
            {200: {"description": "The bare text.", "content": {"application/json": {}}}},
        ),
    ),
    Operation(
        "GET",
        "/swagger.json",
        _get(
            "Azure ML",
            "swagger",
            "The interface of /score as Swagger",
            {
                200: _answer("The document.", _OBJECT),
                404: _answer("There is no such version.", _error("score")),
                431: _LONG,
                503: _LOADING,
            },
            {"name": "version", "in": "query", "required": False, "schema": _VERSIONS},
            *IDENTIFIERS,
        ),
    ),
    Operation(
        "GET",
        "/metrics",
        _get("Operating", "metrics", "Counters for Prometheus", {200: _answer("The counters.", _TEXT, "text/plain")}),
    ),
    Operation("GET", "/openapi.json", _get("Operating", "openapi", "This document", {200: _answer("It.", _OBJECT)})),
    Operation(
        "GET",
        "/docs",
        _get("Operating", "docs", "A page to try it out", {200: _answer("The page.", _TEXT, "text/html")}),
    ),
)
