"""Requests that ask the model go straight to what answers them, past the router and its middleware.

Those are nearly all requests of a server, and a router would compare each with a dozen patterns first.
"""

from __future__ import annotations

import os
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from ..protocols.outline import version
from .context import Context


class Shortcut:
    """An ASGI application: the application that it is made of, but faster for the POST requests of its own model."""

    def __init__(self, app: Starlette, context: Context) -> None:
        self._app = app
        self._paths: dict[str, tuple[Any, dict[str, str]]] = {}
        known = {"model": context.settings.model_name, "version": version(os.environ)}
        # With CORS, the middleware sees to all requests.
        for route in () if context.settings.origins else app.routes:
            if isinstance(route, Route) and "POST" in (route.methods or ()):
                names = {name: known[name] for name in route.param_convertors}
                # The router takes no value with a slash either.
                if not any("/" in value for value in names.values()):
                    self._paths[route.path.format(**names)] = route.app, names

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        found = self._paths.get(scope["path"]) if scope.get("method") == "POST" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        endpoint, names = found
        scope["path_params"] = names
        await endpoint(scope, receive, send)
