"""The page on another port (ENVBUILD_DOCS) may send requests to this one, and read the answers."""

from __future__ import annotations

from typing import Any

ALLOWED = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"content-type, x-request-id"),
)
USUAL = ((b"http", 80), (b"https", 443))
SHOWN = b"x-request-id, x-ms-request-id, x-ms-client-request-id, x-ms-run-fn-exec-ms, x-ms-server-version, retry-after"


class PageElsewhere:
    """Adds the headers for browsers where the origin is the same host with the page's port. An ASGI middleware."""

    def __init__(self, app: Any, port: int) -> None:
        """`port` of the page."""
        self._app = app
        self._port = port

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"")
        if not origin or not self._is_page(origin, headers.get(b"host", b"")):
            await self._app(scope, receive, send)
            return
        more = [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await send({"type": "http.response.start", "status": 204, "headers": [*more, *ALLOWED]})
            await send({"type": "http.response.body", "body": b""})
            return
        more.append((b"access-control-expose-headers", SHOWN))

        async def with_more(message: Any) -> None:
            if message["type"] == "http.response.start":
                # AML_CORS_ORIGINS may have named the page too, and a browser takes the header only once.
                others = [header for header in message["headers"] if header[0] != b"access-control-allow-origin"]
                message = {**message, "headers": [*others, *more]}
            await send(message)

        await self._app(scope, receive, with_more)

    def _is_page(self, origin: bytes, host: bytes) -> bool:
        name = host.rpartition(b"]")[0] + b"]" if host.startswith(b"[") else host.partition(b":")[0]
        # A browser leaves out the port that goes with the scheme.
        pages = [
            b"%s://%s" % (scheme, name.lower()) + (b"" if self._port == usual else b":%d" % self._port)
            for scheme, usual in USUAL
        ]
        return origin.lower() in pages
