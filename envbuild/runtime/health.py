"""Ask the server in this container whether it lives: exit code 0 if it answers 200, else 1.

usage: python -S -E health.py [PORT [PATH]]. The port is $PORT, else the argument, else $ENVBUILD_PORT, else 8080.
It runs every few seconds beside the model, so it speaks HTTP over a bare socket: importing http.client costs
three times as much as everything here.
"""

import os
import socket
import sys

TIMEOUT = 3.0
"""Seconds."""


def main() -> int:
    """Return the exit code."""
    arguments = sys.argv[1:]
    default = arguments[0] if arguments else os.environ.get("ENVBUILD_PORT") or "8080"
    path = arguments[1] if len(arguments) > 1 else "/"
    try:
        status = ask(int(os.environ.get("PORT") or default), path)
    except (OSError, ValueError, IndexError) as error:
        sys.stderr.write(f"unhealthy: {error}\n")
        return 1
    return 0 if status == 200 else 1


def ask(port: int, path: str) -> int:
    """Return the status of GET path on this host; OSError if nobody answers, ValueError if it is not HTTP."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode("ascii"))
        line = b""
        while b"\n" not in line and len(line) < 1024:
            part = connection.recv(1024)
            if not part:
                break
            line += part
    return int(line.split(b" ", 2)[1])


if __name__ == "__main__":
    sys.exit(main())
