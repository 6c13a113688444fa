"""The routes of MLflow's scoring server."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .context import Context
from .replies import loading


def routes(context: Context) -> list[BaseRoute]:
    """Return `/ping`, `/health` and, for a model, `/invocations`."""

    async def ready(request: Request) -> Response:
        return Response("\n", media_type="application/json") if context.pool.ready else loading()

    found: list[BaseRoute] = [Route("/ping", ready, methods=["GET"]), Route("/health", ready, methods=["GET"])]
    if not context.script:
        found.append(Route("/invocations", context.endpoint("invocations", "/invocations"), methods=["POST"]))
    return found
