"""The routes of Azure ML's inference server."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..errors import ClientError
from ..protocols import wording
from .context import Context
from .identifiers import identify, server_name
from .replies import loading
from .swagger import Swagger, VersionError

logger = logging.getLogger("envbuild_runtime")


UNUSED = (
    "AML_APP_INSIGHTS_ENABLED",
    "AML_MODEL_DC_STORAGE_ENABLED",
    "AZUREML_CONFIG_FILE",
    "AZUREML_DEBUG_PORT",
    "AZUREML_EXTRA_CONDA_YAML",
    "AZUREML_EXTRA_PYTHON_LIB_PATH",
    "AZUREML_EXTRA_REQUIREMENTS_TXT",
    "AZUREML_LOG_LEVEL",
    "AZUREML_MDC_CONFIG_PATH",
    "AZUREML_MDC_ENABLED",
    "SEPERATE_HEALTH_ENDPOINT",
    "SERVER_PORT",
    "WORKER_PRELOAD",
)
"""Variables that Azure ML's server or image heeds and this one does not."""


def routes(context: Context) -> list[BaseRoute]:
    """Return `/`, `/score` and `/swagger.json`."""
    swagger = Swagger(context, os.environ)
    ignored = [name for name in UNUSED if os.environ.get(name, "").lower() not in ("", "false")]
    if ignored:
        logger.warning("set, and not heeded by this server: %s", ", ".join(ignored))

    async def healthy(request: Request) -> Response:
        return _named(request, "Healthy", "text/plain") if context.pool.loaded else loading()

    async def described(request: Request) -> Response:
        if not context.pool.loaded:
            return loading()
        version = request.query_params.get("version", "2")
        try:
            # In a thread: files are read the first time.
            document = await asyncio.get_running_loop().run_in_executor(None, swagger.document, version)
        except VersionError as problem:
            return _named(request, wording.word("score", 404, str(problem)), status=404)
        return _named(request, document)

    return [
        Route("/", healthy, methods=["GET"]),
        Route("/score", Score(context), methods=["POST", "GET", "OPTIONS"]),
        Route("/swagger.json", described, methods=["GET"]),
    ]


class Score:
    """/score: POST and GET ask the model or script, OPTIONS is answered here, HEAD refused. An ASGI application.

    A script that takes raw requests gets all four. Other methods do not come here.
    """

    def __init__(self, context: Context) -> None:
        self._pool = context.pool
        self._endpoint = context.endpoint("score", "/score")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["method"] in ("POST", "GET") or self._pool.about.get("raw"):
            await self._endpoint(scope, receive, send)
            return
        request = Request(scope, receive)
        if scope["method"] == "OPTIONS":
            answer = _named(request, "", "text/html")
        else:
            answer = _named(request, wording.word("score", 405, "Method not allowed"), status=405)
            answer.headers["allow"] = "GET, OPTIONS, POST"
        await answer(scope, receive, send)


def _named(request: Request, body: Any, media_type: str = "application/json", status: int = 200) -> Response:
    """Return an answer with the headers of every answer."""
    headers = {"x-ms-run-function-failed": "False", **server_name(os.environ)}
    try:
        identify(request.headers, headers)
    except ClientError as problem:
        status, body = wording.refused("score", problem)
        media_type = "application/json"
    return Response(body, status, headers, media_type)
