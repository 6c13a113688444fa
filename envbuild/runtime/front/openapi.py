"""/openapi.json: OpenAPI 3.1 of every route that this server answers, typed by the model's signature."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .. import __version__
from .facts import Facts
from .openapi_models import schemas
from .openapi_operations import OPERATIONS
from .openapi_parts import COMMON

VERSION = "3.1.0"


def document(facts: Facts, operations: Iterable[tuple[str, str]], server: str = "") -> dict[str, Any]:
    """Return the document.

    `operations` are methods and paths of the routes that there are; one that is not known here is left out. `server`
    is the address of the API where it is another than the document's own.
    """
    there = set(operations)
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        for method, path in sorted(there):
            if method == operation.method and re.fullmatch(operation.path, path):
                paths.setdefault(path, {})[method.lower()] = operation.describe(facts, path)
    content: dict[str, Any] = {
        "openapi": VERSION,
        "info": {
            "title": facts.name,
            "description": "A scoring script." if facts.script else "A model: " + ", ".join(_origin(facts)) + ".",
            "version": __version__,
        },
        "paths": paths,
        "components": {
            "schemas": {**COMMON, **(facts.schemas if facts.script else schemas(facts))},
        },
        "tags": [{"name": name} for name in _tags(paths)],
    }
    if server:
        content["servers"] = [{"url": server}]
    return content


def _origin(facts: Facts) -> list[str]:
    return [f"{title} {text}" for title, text in facts.origin] or ["without a description"]


def _tags(paths: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(tag for item in paths.values() for each in item.values() for tag in each["tags"]))
