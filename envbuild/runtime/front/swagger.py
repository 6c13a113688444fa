"""/swagger.json: the interface of /score as Swagger 2.0, OpenAPI 3.0 and OpenAPI 3.1.

A file of the person's own in AML_APP_ROOT comes first; else the document is made of the model's signature and input
example, or of what a script's decorators say.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..codec.encode import encode
from .context import Context
from .schema import service_schemas

logger = logging.getLogger("envbuild_runtime")

NAMES = {"2": "2", "2.0": "2", "3": "3", "3.0": "3", "3.1": "3.1"}
"""The versions by what they are asked for."""
FILES = {"2": ("swagger.json", "swagger2.json"), "3": ("swagger3.json",), "3.1": ("swagger3.1.json",)}
OPENAPI = {"3": "3.0.3", "3.1": "3.1.0"}
SECURITY: list[dict[str, list[str]]] = [{"Bearer": []}]
SCHEMES = {
    "Bearer": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "description": "What an Azure ML endpoint asks for: Bearer, and a key or token.",
    }
}


class VersionError(Exception):
    """A version of Swagger that there is not, or not for this script; its text is for the client."""


class Swagger:
    """The documents, made when they are first asked for."""

    def __init__(self, context: Context, environment: Mapping[str, str]) -> None:
        self._context = context
        self._environment = environment
        self._made: dict[str, bytes] = {}

    def document(self, asked: str) -> bytes:
        """Return the document of a version (`2`, `2.0`, `3`, `3.0`, `3.1`) as JSON; VersionError if there is none."""
        version = NAMES.get(asked)
        if version is None:
            raise VersionError(f"Swagger version [{asked}] is not valid. Supported versions: [{self._supported()}].")
        if version not in self._made:
            document = self._make(version)
            if document is None:
                raise VersionError(
                    f"Swagger version [{asked}] is not supported for the scoring script. "
                    f"Supported swagger versions: [{self._supported()}]."
                )
            self._made[version] = encode(document)
        return self._made[version]

    def _supported(self) -> str:
        return ", ".join(version for version in FILES if self._own(version) or self._schemas(version))

    def _make(self, version: str) -> Any:
        own = self._own(version)
        if own:
            return own
        schemas = self._schemas(version)
        return _document(version, *schemas, self._environment) if schemas else None

    def _own(self, version: str) -> Any:
        """Return the person's own document, or None."""
        root = self._environment.get("AML_APP_ROOT") or ("." if self._context.script else "")
        for name in FILES[version] if root else ():
            try:
                return json.loads(Path(root, name).read_text(encoding="utf-8"))
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                logger.error("%s cannot be read: %s", Path(root, name), error)
        return None

    def _schemas(self, version: str) -> tuple[Any, Any] | None:
        """Return what /score takes and gives, or None where a script's decorators do not allow the version."""
        if self._context.script:
            said = self._context.pool.about.get("swagger", {}).get(version)
            return (said["input"], said["output"]) if said else None
        return service_schemas(self._context.mlmodel, self._context.folder, version)


def _document(version: str, taken: Any, given: Any, environment: Mapping[str, str]) -> dict[str, Any]:
    name = environment.get("SERVICE_NAME") or "ML service"
    prefix = environment.get("SERVICE_PATH_PREFIX", "").strip("/")
    schemas = {
        "ServiceInput": taken,
        "ServiceOutput": given,
        "ErrorResponse": {"type": "object", "properties": {"message": {"type": "string"}}},
    }
    head: dict[str, Any] = {"swagger": "2.0"} if version == "2" else {"openapi": OPENAPI[version]}
    head["info"] = {
        "title": name,
        "description": f"The interface of the machine learning service {name}.",
        "version": environment.get("SERVICE_VERSION") or "1.0",
    }
    if version == "2":
        head |= {"schemes": ["https"], "consumes": ["application/json"], "produces": ["application/json"]}
        head |= {"securityDefinitions": SCHEMES, "definitions": schemas}
    else:
        head["components"] = {"schemas": schemas, "securitySchemes": SCHEMES}
    before = f"/{prefix}" if prefix else ""
    return {**head, "security": SECURITY, "paths": _paths(before, "" if version == "2" else "/components")}


def _paths(prefix: str, components: str) -> dict[str, Any]:
    modern = bool(components)
    where = f"#{components}/schemas/" if modern else "#/definitions/"

    def answer(description: str, schema: Any, media_type: str = "application/json") -> dict[str, Any]:
        if modern:
            return {"description": description, "content": {media_type: {"schema": schema}}}
        return {"description": description, "schema": schema}

    failed = answer("The request could not be answered.", {"$ref": f"{where}ErrorResponse"})
    asked = {"$ref": f"{where}ServiceInput"}
    score: dict[str, Any] = {
        "operationId": "RunMLService",
        "description": "Ask the model.",
        "responses": {"200": answer("The model's answer.", {"$ref": f"{where}ServiceOutput"}), "default": failed},
    }
    if modern:
        score["requestBody"] = {"required": True, "content": {"application/json": {"schema": asked}}}
    else:
        score["parameters"] = [{"name": "serviceInputPayload", "in": "body", "required": True, "schema": asked}]
    kind: dict[str, Any] = {"type": "string", "enum": list(NAMES)}
    version = {"name": "version", "in": "query", "required": False, **({"schema": kind} if modern else kind)}
    text = answer("The service is up: the text 'Healthy'.", {"type": "string"}, "text/plain")
    if not modern:
        text["examples"] = {"text/plain": "Healthy"}
    health = {
        "operationId": "ServiceHealthCheck",
        "description": "Ask whether the service is up.",
        "responses": {"200": text, "default": failed},
    }
    swagger = {
        "operationId": "GetSwaggerSpec",
        "description": "Get this description of the service.",
        "parameters": [version],
        "responses": {"200": answer("The description.", {"type": "object"}), "default": failed},
    }
    return {
        f"{prefix}/": {"get": health},
        f"{prefix}/score": {"post": score},
        f"{prefix}/swagger.json": {"get": swagger},
    }
