"""The routes around the protocols: /metrics, /docs and /openapi.json."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .context import Context


def routes(context: Context) -> list[BaseRoute]:
    """Return the routes that are answered on the server's own port."""
    return [Route("/metrics", _numbers(context), methods=["GET"])] if context.settings.metrics == 1 else []


def _numbers(context: Context):  # type: ignore[no-untyped-def]
    async def numbers(request: Request) -> Response:
        context.metrics.queue.set(context.pool.waiting)
        text, media_type = context.metrics.exposition()
        return Response(text, media_type=media_type)

    return numbers
