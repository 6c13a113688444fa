"""The routes around the protocols: /metrics, /docs and /openapi.json.

They are answered on the server's own port, on one of their own, or not at all (ENVBUILD_METRICS, ENVBUILD_DOCS).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .context import Context
from .described import Described


def routes(context: Context) -> list[BaseRoute]:
    """Return the routes that are answered on the server's own port."""
    return _routes(context, 1)


def beside(context: Context, app: Any) -> dict[int, Starlette]:
    """Return the applications for further ports, by port; `app` is the one on the server's own."""
    found: dict[int, Starlette] = {}
    for port in (context.settings.metrics, context.settings.docs):
        if port > 1 and port not in found:
            found[port] = Starlette(routes=_routes(context, port))
            # What is described there is the server's own port.
            found[port].state.api = app
    return found


def _routes(context: Context, place: int) -> list[BaseRoute]:
    found: list[BaseRoute] = []
    if context.settings.metrics == place:
        found.append(Route("/metrics", _numbers(context), methods=["GET"]))
    if context.settings.docs == place:
        described = Described(context)
        found.append(Route("/openapi.json", _document(described), methods=["GET"]))
        found.append(Route("/docs", _page(described), methods=["GET"]))
    return found


def _numbers(context: Context) -> Any:
    async def numbers(request: Request) -> Response:
        context.metrics.queue.set(context.pool.waiting)
        text, media_type = context.metrics.exposition()
        return Response(text, headers={"content-type": media_type})

    return numbers


def _document(described: Described) -> Any:
    async def document(request: Request) -> Response:
        # In a thread: the model's files are read the first time.
        loop = asyncio.get_running_loop()
        text = await loop.run_in_executor(None, described.document, _operations(request), _host(request))
        return Response(text, media_type="application/json")

    return document


def _page(described: Described) -> Any:
    async def page(request: Request) -> Response:
        loop = asyncio.get_running_loop()
        text, policy = await loop.run_in_executor(None, described.page, _operations(request), _host(request))
        headers = {
            "content-security-policy": policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cache-control": "no-cache",
        }
        return Response(text, headers=headers, media_type="text/html")

    return page


def _operations(request: Request) -> frozenset[tuple[str, str]]:
    """Return methods and paths of all routes of the server's own port."""
    app = getattr(request.app.state, "api", request.app)
    return frozenset(_each(app.routes))


def _each(found: Iterable[Any]) -> Iterable[tuple[str, str]]:
    for route in found:
        for method in sorted(getattr(route, "methods", None) or ()):
            yield method, route.path


def _host(request: Request) -> str:
    """Return the name by which the client reaches this host, without a port."""
    name: str = request.headers.get("host", "")
    host = name.rpartition("]")[0] + "]" if name.startswith("[") else name.partition(":")[0]
    # It goes into a header: anything but a name or an address is left out.
    return host if host and all(character.isalnum() or character in "-._[]:" for character in host) else "localhost"
