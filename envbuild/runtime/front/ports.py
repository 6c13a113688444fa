"""Ports: bound before anything is loaded, and those beside the server's own, for /metrics and /docs."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Mapping
from typing import Any

import uvicorn

from ..errors import StartError
from ..settings import EVERYWHERE, Settings


def bind(port: int, name: str, host: str = EVERYWHERE) -> socket.socket:
    """Return a socket that holds a port of an address; StartError names the variable that chose what cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle's algorithm only where the protocol is named: answers would wait 40 ms for their rest.
    try:
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise StartError(f"ENVBUILD_HOST: {host} cannot be listened on: {error.strerror}.") from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # `::` is all of IPv4 too, whatever the system's own choice is.
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind((host, port))
        # Two sockets may be bound to one port; only one may listen.
        bound.listen(0)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise StartError(f"ENVBUILD_HOST: {host} cannot be listened on: {error.strerror}.") from None
        raise StartError(f"{name}: port {port} cannot be listened on: {error.strerror}.") from None
    return bound


def names(settings: Settings) -> dict[int, str]:
    """Return the ports that are listened on, with the variables that chose them."""
    found: dict[int, list[str]] = {settings.port: ["PORT"]}
    for name, place in (("ENVBUILD_METRICS", settings.metrics), ("ENVBUILD_DOCS", settings.docs)):
        if place > 1:
            found.setdefault(place, []).append(name)
    return {port: " and ".join(variables) for port, variables in found.items()}


class Beside:
    """The servers on further ports, each with an application of its own."""

    def __init__(self, apps: Mapping[int, Any], configure: Callable[[Any, int], uvicorn.Config], kind: Any) -> None:
        self._servers = {port: kind(configure(app, port)) for port, app in apps.items()}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, sockets: Mapping[int, socket.socket]) -> None:
        """Serve on bound sockets, by their port."""
        for port, server in self._servers.items():
            self._tasks.append(asyncio.ensure_future(server.serve(sockets=[sockets[port]])))

    async def close(self) -> None:
        """Stop; a scrape that is under way is answered."""
        for server in self._servers.values():
            server.should_exit = True
        await asyncio.gather(*self._tasks, return_exceptions=True)
