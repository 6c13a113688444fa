"""The routes of the Open Inference Protocol, version 2, over HTTP."""

from __future__ import annotations

from starlette.routing import BaseRoute

from .context import Context


def routes(context: Context) -> list[BaseRoute]:
    """Return the routes below `/v2`."""
    return []
