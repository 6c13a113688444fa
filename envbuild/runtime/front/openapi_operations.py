"""The operations that a server may answer, and what describes each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .facts import Facts
from .openapi_asking import ASKING, ask, query
from .openapi_parts import IDENTIFIERS, REASONS, REFERENCE, Content, answer, error, identifier, in_path


@dataclass(frozen=True)
class Operation:
    """A method and a pattern of paths, and what describes them."""

    method: str
    path: str
    """A regular expression for the route."""
    describe: Callable[[Facts, str], Content]


def _get(tag: str, name: str, summary: str, answers: Mapping[int, Any], *parameters: Content) -> Callable[..., Content]:
    def describe(facts: Facts, path: str) -> Content:
        given = [*parameters, *in_path(path, facts)]
        return {
            "tags": [tag],
            "operationId": identifier(name, path),
            "summary": summary,
            **({"parameters": given} if given else {}),
            "responses": {str(status): content for status, content in answers.items()},
        }

    return describe


_TEXT: Content = {"type": "string"}
_OBJECT: Content = {"type": "object"}
_LOADING = answer(REASONS[503], _TEXT, "text/plain")
_LONG = answer(REASONS[431], error("score"))
_UNKNOWN = answer(REASONS[404], error("infer"))
_MODEL = "/v2/models/[^/]+(/versions/[^/]+)?"
_VERSIONS = {"type": "string", "enum": ["2", "2.0", "3", "3.0", "3.1"]}

OPERATIONS = (
    Operation("POST", "/score", ask("score", "Azure ML", "Ask as Azure ML's clients do", ASKING)),
    Operation("GET", "/score", query),
    Operation("POST", "/invocations", ask("invocations", "MLflow", "Ask as MLflow's clients do", (*ASKING, 504))),
    Operation(
        "POST",
        f"{_MODEL}/infer",
        ask("infer", "Open Inference", "Ask as clients of KServe, Triton and MLServer do", (404, *ASKING, 504)),
    ),
    Operation(
        "GET",
        _MODEL,
        _get(
            "Open Inference",
            "model_metadata",
            "The model's inputs and outputs",
            {200: answer("The description.", {"$ref": REFERENCE + "ModelMetadata"}), 404: _UNKNOWN},
        ),
    ),
    Operation(
        "GET",
        f"{_MODEL}/ready",
        _get(
            "Open Inference",
            "model_ready",
            "Whether the model is loaded",
            {200: answer("It is.", _OBJECT), 404: _UNKNOWN, 503: answer(REASONS[503], _OBJECT)},
        ),
    ),
    Operation("GET", "/v2", _get("Open Inference", "server", "The server", {200: answer("Its name.", _OBJECT)})),
    Operation("GET", "/v2/health/live", _get("Health", "live", "Liveness", {200: answer("Live.", _OBJECT)})),
    Operation(
        "GET",
        "/v2/health/ready",
        _get("Health", "v2_ready", "Readiness", {200: answer("Ready.", _OBJECT), 503: answer(REASONS[503], _OBJECT)}),
    ),
    Operation(
        "GET",
        "/",
        _get(
            "Health",
            "healthy",
            "Liveness: 200 from the first load on",
            {200: answer("Healthy.", _TEXT, "text/plain"), 431: _LONG, 503: _LOADING},
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
                200: answer("The document.", _OBJECT),
                404: answer("There is no such version.", error("score")),
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
        _get("Operating", "metrics", "Counters for Prometheus", {200: answer("The counters.", _TEXT, "text/plain")}),
    ),
    Operation("GET", "/openapi.json", _get("Operating", "openapi", "This document", {200: answer("It.", _OBJECT)})),
    Operation(
        "GET",
        "/docs",
        _get("Operating", "docs", "A page to try it out", {200: answer("The page.", _TEXT, "text/html")}),
    ),
)
