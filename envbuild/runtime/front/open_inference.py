"""The routes of the Open Inference Protocol, version 2, over HTTP.

Specification: github.com/kserve/open-inference-protocol, inference_rest.md.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .. import __version__
from ..protocols import wording
from ..protocols.outline import outline, version
from .context import Context
from .endpoint import RETRY

Handler = Callable[[Request], Awaitable[Response]]


def routes(context: Context) -> list[BaseRoute]:
    """Return the routes below `/v2`; a script has no tensors, so only its server can be asked about."""

    async def live(request: Request) -> Response:
        return _answer({"live": True})

    async def ready(request: Request) -> Response:
        return _readiness(context, {})

    async def server(request: Request) -> Response:
        return _answer({"name": "envbuild", "version": __version__, "extensions": []})

    found: list[BaseRoute] = [
        Route("/v2", server, methods=["GET"]),
        Route("/v2/health/live", live, methods=["GET"]),
        Route("/v2/health/ready", ready, methods=["GET"]),
    ]
    if not context.script:
        infer = context.endpoint("infer", "/v2/models/{model}/infer")
        for path in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
            found += [
                Route(path, Known(context, _metadata(context)), methods=["GET"]),
                Route(f"{path}/ready", Known(context, _ready(context)), methods=["GET"]),
                Route(f"{path}/infer", Known(context, infer), methods=["POST"]),
            ]
    return found


class Known:
    """An ASGI application that passes on what names the model that is served, and its version if any."""

    def __init__(self, context: Context, app: Any) -> None:
        self._name = context.settings.model_name
        self._version = version(os.environ)
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, or say 404 and what is here."""
        asked = scope["path_params"]
        app = self._app
        if asked["model"] != self._name or asked.get("version", self._version) != self._version:
            message = f"There is no such model or version here, but the model {self._name!r}, version {self._version}."
            app = Response(wording.word("infer", 404, message), 404, media_type="application/json")
        await app(scope, receive, send)


def _metadata(context: Context) -> Any:
    async def metadata(request: Request) -> Response:
        described = outline(context.mlmodel)
        return _answer(
            {
                "name": context.settings.model_name,
                "versions": [version(os.environ)],
                "platform": "mlflow",
                "inputs": described.inputs,
                "outputs": described.outputs,
            }
        )

    return _application(metadata)


def _ready(context: Context) -> Any:
    async def ready(request: Request) -> Response:
        return _readiness(context, {"name": context.settings.model_name})

    return _application(ready)


def _application(handler: Handler) -> Any:
    async def application(handler: Handler, scope: Any, receive: Any, send: Any) -> None:
        response = await handler(Request(scope, receive))
        await response(scope, receive, send)

    return partial(application, handler)


def _readiness(context: Context, named: dict[str, Any]) -> Response:
    ready = context.pool.ready
    response = _answer({**named, "ready": ready}, 200 if ready else 503)
    if not ready:
        response.headers["retry-after"] = RETRY
    return response


def _answer(content: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
