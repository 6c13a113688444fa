"""How OpenAPI describes the routes that ask the model: /score, /invocations and infer."""

from __future__ import annotations

from collections.abc import Callable

from .facts import Facts
from .openapi_parts import IDENTIFIERS, REFERENCE, Content, answer, identifier, in_path, reference, refusal

ASKING = (400, 408, 413, 415, 431, 500, 503)
SIZE_ONE = 20_000
"""Characters of an example that is shown."""


def ask(kind: str, tag: str, summary: str, statuses: tuple[int, ...]) -> Callable[..., Content]:
    """Describe a route that asks the model."""
    name = {"score": "Score", "invocations": "Invocations", "infer": "Infer"}[kind]

    def describe(facts: Facts, path: str) -> Content:
        answers = {"200": answer("The prediction.", reference(facts, f"{name}Answer"))}
        answers.update((str(status), refusal(kind, status, facts.compat)) for status in statuses)
        if facts.script:
            answers["default"] = {"description": "What the script answers with a status of its own."}
        return {
            "tags": [tag],
            "operationId": identifier(kind, path),
            "summary": summary,
            "parameters": [*IDENTIFIERS, *in_path(path, facts)],
            "requestBody": {"required": True, "content": _bodies(kind, name, facts)},
            "responses": answers,
        }

    return describe


def _bodies(kind: str, name: str, facts: Facts) -> Content:
    body: Content = {"schema": reference(facts, f"{name}Request")}
    sample = facts.samples.get(kind)
    if sample is not None and len(str(sample)) <= SIZE_ONE:
        body["examples"] = {"example": {"summary": "The model's example", "value": sample}}
    found = {"application/json": body}
    if kind == "invocations" and not facts.typed:
        found["text/csv"] = {"schema": {"type": "string", "description": "The first line names the columns."}}
        found["application/vnd.apache.parquet"] = {"schema": {"description": "A file with a table."}}
    return found


def query(facts: Facts, path: str) -> Content:
    """Describe GET /score."""
    asked = ask("score", "Azure ML", "Ask with the parts of the body in the query, each as JSON", ASKING)(facts, path)
    del asked["requestBody"]
    for name in () if facts.script else ("input_data", *(("params",) if facts.params else ())):
        schema = {"$ref": f"{REFERENCE}ScoreRequest/properties/{name}"}
        content = {"application/json": {"schema": schema}}
        asked["parameters"].append({"name": name, "in": "query", "required": name == "input_data", "content": content})
    return {**asked, "operationId": "score_get"}
