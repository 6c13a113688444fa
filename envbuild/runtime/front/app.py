"""The ASGI application: the routes of all protocols for one model or script."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from . import around, azureml, mlflow, open_inference
from .context import Context
from .cors import Cors
from .replies import no_route, server_error


def build(context: Context) -> Starlette:
    """Return the application that asks the workers of `context`."""
    routes: list[BaseRoute] = []
    for module in (azureml, mlflow, open_inference, around):
        routes += module.routes(context)
    origins = context.settings.origins
    middleware = [Middleware(Cors, origins=origins)] if origins else []
    handlers: Any = {404: no_route, 405: no_route, Exception: server_error}
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=handlers)
    # A path with a slash too many is another path, as under the servers that these routes are of.
    app.router.redirect_slashes = False
    return app
