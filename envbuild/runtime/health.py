"""Ask the server in this container whether it lives: exit code 0 if it answers 200, else 1.

usage: python -S -E health.py [PORT [PATH]]. The address is $ENVBUILD_HOST, else 127.0.0.1. The port is $PORT, else the
argument, else $ENVBUILD_PORT, else the first of the two servers' own ports (8080, 5001) that answers.
It runs every few seconds beside the model, so it speaks HTTP over a bare socket, without the imports of http.client.
"""

import os
import socket
import sys

OWN_PORTS = ("8080", "5001")
TIMEOUT = 3.0
"""Seconds."""


def main() -> int:
    """Return the exit code."""
    arguments = sys.argv[1:]
    given = os.environ.get("PORT") or (arguments[0] if arguments else os.environ.get("ENVBUILD_PORT"))
    path = arguments[1] if len(arguments) > 1 else "/"
    problem = ""
    for port in [given] if given else OWN_PORTS:
        try:
            status = ask(int(port), path)
        except (OSError, ValueError, IndexError) as error:
            problem = str(error)
        else:
            return 0 if status == 200 else 1
    sys.stderr.write(f"unhealthy: {problem}\n")
    return 1


def ask(port: int, path: str) -> int:
    """Return the status of GET path on this host; OSError if nobody answers, ValueError if it is not HTTP."""
    host = near(os.environ.get("ENVBUILD_HOST", "").strip())
    with socket.create_connection((host, port), timeout=TIMEOUT) as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode("ascii"))
        line = b""
        while b"\n" not in line and len(line) < 1024:
            part = connection.recv(1024)
            if not part:
                break
            line += part
    return int(line.split(b" ", 2)[1])


def near(host: str) -> str:
    """Return an address at which a server on `host` is asked from this machine."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


if __name__ == "__main__":
    sys.exit(main())
