"""Run by the environment's Python, as a file: `launch.py HOST PARENT MODULE`.

The servers listen on every address, as a container's must. On a person's machine they listen on HOST alone, and end
when the process PARENT does.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import socket
import sys
from typing import Any

_EVERYWHERE = ("0.0.0.0", "::", "")
_PR_SET_PDEATHSIG = 1


def follow(parent: int) -> None:
    """Have the kernel end this process when `parent` ends, however it ends."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    except (AttributeError, OSError):
        return
    if os.getppid() != parent:
        sys.exit(0)


def listen_on(host: str) -> None:
    """Let every server socket that would listen everywhere listen on `host`."""
    plain = socket.socket.bind

    def bind(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] in _EVERYWHERE and address[1]:
            address = (host, *address[1:])
        plain(self, address)

    socket.socket.bind = bind  # type: ignore[method-assign, assignment]
    # Its loop does not bind through Python's sockets; the servers take asyncio's own without it.
    sys.modules["uvloop"] = None  # type: ignore[assignment]


def main(host: str, parent: str, module: str) -> None:
    """Become the module."""
    follow(int(parent))
    if host not in _EVERYWHERE:
        listen_on(host)
    # A file's own folder comes first on the path, where a module of it could shadow a library.
    del sys.path[0]
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
