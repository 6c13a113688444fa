"""The two descriptions of what is served, made when they are first asked for: the document and the page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .context import Context

# What makes them is imported then, too: the server starts without it.
if TYPE_CHECKING:
    from .facts import Facts

    Operations = frozenset[tuple[str, str]]


class Described:
    """Makes /openapi.json and /docs, and keeps what it made."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._facts: Facts | None = None
        self._made: dict[Any, Any] = {}

    def document(self, operations: Operations, host: str) -> bytes:
        """Return the OpenAPI document as JSON. `host` is what the client calls this host, without a port."""
        from .openapi import document

        server = self._address(host)
        key = ("document", server, operations)
        if key not in self._made:
            content = document(self._known(), operations, server)
            self._keep(key, json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))
        made: bytes = self._made[key]
        return made

    def page(self, operations: Operations, host: str) -> tuple[bytes, str]:
        """Return the page and its Content-Security-Policy."""
        from .page import page

        server = self._address(host)
        key = ("page", server, operations)
        if key not in self._made:
            self._keep(key, page(self._known(), operations, server))
        made: tuple[bytes, str] = self._made[key]
        return made

    def _known(self) -> Facts:
        from .facts import facts_of

        # Before a worker has loaded, what it says of a script is not known: not to be kept.
        if self._facts is None or not self._context.pool.loaded:
            self._facts = facts_of(self._context)
        return self._facts

    def _keep(self, key: Any, made: Any) -> None:
        # The host is what a client says: without a bound it could fill the memory.
        if len(self._made) >= 8 or not self._context.pool.loaded:
            self._made.clear()
        self._made[key] = made

    def _address(self, host: str) -> str:
        """Return the address of the API, or nothing where it is the page's own."""
        settings = self._context.settings
        return f"http://{host}:{settings.port}" if settings.docs > 1 else ""
