"""The routes of Azure ML's inference server."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .context import Context
from .replies import loading


def routes(context: Context) -> list[BaseRoute]:
    """Return `/` and `/score`."""

    async def healthy(request: Request) -> Response:
        return Response("Healthy", media_type="text/plain") if context.pool.loaded else loading()

    return [
        Route("/", healthy, methods=["GET"]),
        Route("/score", context.endpoint("score", "/score"), methods=["POST"]),
    ]
