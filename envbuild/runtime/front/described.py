"""The two descriptions of what is served, made when they are first asked for: the document and the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .context import Context

MOST = 8
"""How much is kept: the host is what a client says, and without a bound could fill the memory."""

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

        def make(server: str) -> bytes:
            content = document(self._known(), operations, server)
            return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")

        made: bytes = self._kept("document", operations, host, make)
        return made

    def page(self, operations: Operations, host: str) -> tuple[bytes, str]:
        """Return the page and its Content-Security-Policy."""
        from .page import page

        made: tuple[bytes, str] = self._kept(
            "page", operations, host, lambda server: page(self._known(), operations, server)
        )
        return made

    def _known(self) -> Facts:
        from .facts import facts_of

        if self._facts is not None:
            return self._facts
        # What a script's worker says is not known before it has loaded.
        loaded = self._context.pool.loaded
        facts = facts_of(self._context)
        self._facts = facts if loaded else None
        return facts

    def _kept(self, what: str, operations: Operations, host: str, make: Callable[[str], Any]) -> Any:
        server = self._address(host)
        key = (what, server, operations)
        found = self._made.get(key)
        if found is None:
            loaded = self._context.pool.loaded
            found = make(server)
            if len(self._made) >= MOST:
                self._made.clear()
            if loaded:
                self._made[key] = found
        return found

    def _address(self, host: str) -> str:
        """Return the address of the API, or nothing where it is the page's own."""
        settings = self._context.settings
        return f"http://{host}:{settings.port}" if settings.docs > 1 else ""
