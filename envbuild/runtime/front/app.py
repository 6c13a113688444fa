"""The ASGI application: the routes of all protocols for one model or script."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from . import around, azureml, mlflow, open_inference
from .context import Context
from .replies import no_route, server_error


def build(context: Context) -> Starlette:
    """Return the application that asks the workers of `context`."""
    routes: list[BaseRoute] = []
    for module in (azureml, mlflow, open_inference, around):
        routes += module.routes(context)
    return Starlette(routes=routes, exception_handlers={404: no_route, 405: no_route, Exception: server_error})
