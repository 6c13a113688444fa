"""Let pages of other origins send requests (AML_CORS_ORIGINS): GET and POST, from the origins that are named."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Any

from ..errors import ClientError
from .identifiers import identify, server_name

METHODS = b"GET, POST"
Headers = list[tuple[bytes, bytes]]


class Cors:
    """Adds the headers for browsers; an ASGI middleware.

    What a browser asks before a request is answered here, whatever the route; the answer to another origin says
    nothing, at which the browser refuses.
    """

    def __init__(self, app: Any, origins: Sequence[str]) -> None:
        """`origins` as the browser writes them; `*` for all, and for a part of one: `https://*.example.com`."""
        self._app = app
        self._all = "*" in origins
        self._origins = [origin.lower().rstrip("/") for origin in origins]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        origin = headers.get(b"origin", b"")
        if not origin:
            await self._app(scope, receive, send)
            return
        allowed = self._allows(origin.decode("latin-1").lower())
        more: Headers = [] if self._all else [(b"vary", b"Origin")]
        if allowed:
            more.append((b"access-control-allow-origin", b"*" if self._all else origin))
            if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
                await _preflight(more, headers, send)
                return

        async def with_more(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await self._app(scope, receive, with_more)

    def _allows(self, origin: str) -> bool:
        return self._all or any(
            fnmatchcase(origin, known) if "*" in known else origin == known for known in self._origins
        )


async def _preflight(more: Headers, asked: Mapping[bytes, bytes], send: Any) -> None:
    told = {"x-ms-run-function-failed": "False", **server_name(os.environ)}
    # An identifier that is too long is refused when the request itself comes.
    with suppress(ClientError):
        identify({name.decode("latin-1"): value.decode("latin-1") for name, value in asked.items()}, told)
    headers = [*more, (b"access-control-allow-methods", METHODS), (b"content-length", b"0")]
    headers += [(name.encode(), value.encode("latin-1")) for name, value in told.items()]
    wanted = asked.get(b"access-control-request-headers")
    if wanted:
        headers.append((b"access-control-allow-headers", wanted))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
