"""One question to a server on this machine, which may not be there yet."""

from __future__ import annotations

import http.client


def post(port: int, path: str, body: bytes, *, patience: float) -> tuple[int, bytes] | None:
    """The status and body of the answer to a JSON `body`; None where nothing listens or the connection breaks.

    `patience` is in seconds.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.request("POST", path, body=body, headers={"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
