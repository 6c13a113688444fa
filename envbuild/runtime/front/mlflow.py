"""The routes of MLflow's scoring server."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .context import Context
from .replies import loading


def routes(context: Context) -> list[BaseRoute]:
    """Return `/ping`, `/health`, `/version` where MLflow is installed and, for a model, `/invocations`."""

    async def ready(request: Request) -> Response:
        return Response("\n", media_type="application/json") if context.pool.ready else loading()

    found: list[BaseRoute] = [Route("/ping", ready, methods=["GET"]), Route("/health", ready, methods=["GET"])]
    installed = mlflow_version()
    if installed is not None:

        async def version(request: Request) -> Response:
            # The bare text, under the type that MLflow gives it.
            return Response(installed, media_type="application/json")

        found.append(Route("/version", version, methods=["GET"]))
    if not context.script:
        app: Any = context.endpoint("invocations", "/invocations")
        if context.settings.compat == "mlflow":
            app = PlainRefusal(app)
        found.append(Route("/invocations", app, methods=["POST"]))
    return found


def mlflow_version() -> str | None:
    """Return the version of the installed MLflow, which is not imported for it; None if there is none."""
    for name in ("mlflow", "mlflow-skinny"):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


class PlainRefusal:
    """An ASGI application whose 415 is text, as MLflow words it; everything else passes as it is."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""

        async def worded(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] == 415:
                headers = [header for header in message["headers"] if header[0] != b"content-type"]
                message = {**message, "headers": [*headers, (b"content-type", b"text/plain; charset=utf-8")]}
            await send(message)

        await self._app(scope, receive, worded)
