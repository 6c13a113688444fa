"""Serve until SIGTERM: start the workers, listen, and let what is under way finish."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import uvicorn

from ..errors import StartError
from ..settings import Settings
from . import around, ports
from .app import build
from .closing import turn_away
from .context import Context
from .metrics import Metrics
from .origins import PageElsewhere
from .pool import Pool
from .shortcut import Shortcut

logger = logging.getLogger("envbuild_runtime")

SETTLE = 0.5
"""Seconds that the connections which were let in last have for their requests."""


class Server(uvicorn.Server):
    """A server that leaves the signals alone."""

    def install_signal_handlers(self) -> None:
        """Do nothing; uvicorn before 0.29 asks for it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing; uvicorn from 0.29 on asks for it."""
        yield


class Serving:
    """A server, its workers, and how it ends."""

    def __init__(self, settings: Settings, *, script: bool) -> None:
        self._settings = settings
        self._metrics = Metrics()
        self._pool = Pool(settings, self._metrics, self._give_up)
        self._context = Context(self._pool, settings, self._metrics, script)
        app = build(self._context)
        self._beside = ports.Beside(around.beside(self._context, app), self._config, Server)
        served: Any = Shortcut(app, self._context)
        if settings.docs > 1:
            served = PageElsewhere(served, settings.docs)
        self._server = Server(self._config(served, settings.port))
        self._code = 0
        self._draining: asyncio.Task[None] | None = None

    async def run(self, first: Any = None) -> int:
        """Serve until told to stop; return the exit code. `first` is the launch of a worker that is under way."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        try:
            host = self._settings.host
            sockets = {port: ports.bind(port, name, host) for port, name in ports.names(self._settings).items()}
        except StartError as error:
            logger.critical("%s", error)
            if first is not None:
                first[0].kill()
            return 1
        await self._pool.start(first)
        growing = asyncio.ensure_future(self._grow()) if not self._settings.workers else None
        self._beside.start(sockets)
        logger.info("listening on port %d", self._settings.port)
        await self._server.serve(sockets=[sockets[self._settings.port]])
        if growing is not None:
            growing.cancel()
        await self._pool.close()
        await self._beside.close()
        return self._code

    async def _grow(self) -> None:
        """Start as many workers as there is room for, by what the first one that has loaded holds."""
        from . import capacity

        while (loaded := self._pool.loaded_process) is None:
            await asyncio.sleep(0.05)
        limits = capacity.read_limits()
        choice = capacity.choose(
            limits,
            capacity.memory_of(loaded),
            capacity.memory_of(os.getpid()),
            capacity.available_memory(),
        )
        extra = {"workers": choice.workers}
        logger.info("WORKER_COUNT=auto: %d, for there are %s", choice.workers, choice.why, extra=extra)
        await self._pool.grow(choice.workers)

    def _config(self, app: Any, port: int) -> uvicorn.Config:
        return uvicorn.Config(
            app,
            host=self._settings.host,
            port=port,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            # Nothing here asks for the client's address.
            proxy_headers=False,
            timeout_graceful_shutdown=self._settings.grace,
        )

    def _give_up(self, code: int) -> None:
        self._code = code
        self._server.should_exit = True

    def _stop(self) -> None:
        if self._draining is None:
            self._draining = asyncio.ensure_future(self._drain())

    async def _drain(self) -> None:
        """Take new requests a little longer, telling clients to close, and then stop."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._settings.drain
        state = self._server.server_state
        closing = (b"connection", b"close")
        self._server.config.encoded_headers.append(closing)
        state.default_headers = [*state.default_headers, closing]
        while state.connections and loop.time() < end:
            await asyncio.sleep(0.02)
        turn_away(each for server in self._server.servers for each in server.sockets)
        # A turn of the loop at least, in which they are accepted.
        await asyncio.sleep(0.05)
        end = loop.time() + SETTLE
        while state.connections and loop.time() < end:
            await asyncio.sleep(0.02)
        self._server.should_exit = True


def serve(settings: Settings, first: Any, *, script: bool) -> int:
    """Serve until told to stop; return the exit code."""
    try:
        return asyncio.run(Serving(settings, script=script).run(first))
    finally:
        sys.stderr.flush()
