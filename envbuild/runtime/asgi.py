"""Serve an ASGI application that a module makes when it is imported, until SIGTERM."""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
import sys
import threading
import traceback
from typing import Any

import uvicorn

from .errors import StartError
from .front.ports import bind

BOOT_FAILED = 3
"""The exit code for an application that cannot be loaded, as gunicorn gives it."""
PATIENCE = 2.0
"""Seconds that threads may go on when the server has stopped."""


class Server(uvicorn.Server):
    """A server whose process ends even if a prediction never does."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop as uvicorn does. Threads cannot be stopped, and waiting for one would end in SIGKILL."""
        await super().shutdown(sockets)
        end = threading.Timer(PATIENCE, os._exit, (0,))
        end.daemon = True
        end.start()


def serve(module: str, host: str, port: int, *, workers: int, grace: int) -> int:
    """Serve `app` of `module` on an IP address; return the exit code. `grace` in seconds."""
    settings: dict[str, Any] = {"host": host, "port": port, "timeout_graceful_shutdown": grace}
    if workers > 1:
        uvicorn.run(f"{module}:app", workers=workers, **settings)
        return 0
    # Imported before uvicorn takes over the signals: SIGTERM ends the process while the model loads, too.
    try:
        app = importlib.import_module(module).app
    except Exception:
        traceback.print_exc()
        print("envbuild_runtime: the model could not be loaded; see above.", file=sys.stderr)
        return BOOT_FAILED
    try:
        # uvicorn's own would be of IPv6 alone for `::`, unlike that of several workers.
        bound = bind(port, "PORT", host)
    except StartError as error:
        print(f"envbuild_runtime: {error}", file=sys.stderr)
        return 1
    with contextlib.suppress(KeyboardInterrupt):
        Server(uvicorn.Config(app, **settings)).run(sockets=[bound])
    return 0
