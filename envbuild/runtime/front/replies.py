"""Answers that need no worker."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..protocols import wording
from .endpoint import RETRY, UNEXPECTED

TEXTS = {
    404: "The requested URL was not found on the server. If you entered the URL manually please check your spelling "
    "and try again.",
    405: "The method is not allowed for the requested URL.",
}


def loading() -> Response:
    """Return the answer of a server whose model is not there yet, or not there for the moment."""
    return Response("Loading", 503, {"retry-after": RETRY}, "text/plain")


async def no_route(request: Request, error: Any) -> Response:
    """Return the answer for a path or a method that there is not, in the words of the path's protocol."""
    body = wording.word(kind_of(request.url.path), error.status_code, TEXTS[error.status_code])
    headers = {**(error.headers or {}), "x-ms-run-function-failed": "False"}
    return Response(body, error.status_code, headers, "application/json")


async def server_error(request: Request, error: Exception) -> Response:
    """Return the answer for a fault of the server itself."""
    return Response(wording.word(kind_of(request.url.path), 500, UNEXPECTED), 500, media_type="application/json")


def kind_of(path: str) -> str:
    """Return the kind of request whose protocol a path belongs to."""
    if path.startswith("/v2"):
        return "infer"
    return "invocations" if path.startswith(("/invocations", "/ping", "/health", "/version")) else "score"
