"""How long registry and disk take for a file by themselves, from whoever neither hashes it nor writes a layer."""

from __future__ import annotations

import http.client
import time
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import BenchError
from .server import Server

_REPOSITORY = "bench/bare"
_LIMIT = 600.0
_BLOCK = 1 << 20


def bare_copy(path: Path, target: Path) -> float:
    """Seconds until a copy of the file is written, as far as the kernel says so; it is removed again."""
    block = memoryview(bytearray(_BLOCK))
    try:
        begin = time.monotonic()
        with path.open("rb", buffering=0) as source, target.open("xb", buffering=0) as out:
            while count := source.readinto(block):
                piece = block[:count]
                while piece:
                    piece = piece[out.write(piece) :]
        return time.monotonic() - begin
    finally:
        target.unlink(missing_ok=True)


def bare_push(server: Server, path: Path) -> float:
    """Seconds until the registry has taken the file, in one request from the kernel's own buffers.

    The registry hashes what comes, as it always does. The upload is given up then: nothing is kept.
    """
    connection = http.client.HTTPConnection(server.address, timeout=_LIMIT)
    try:
        place = _asked(connection, "POST", f"/v2/{_REPOSITORY}/blobs/uploads/")
        connection.putrequest("PATCH", place)
        for name, value in (("Content-Type", "application/octet-stream"), ("Content-Length", str(path.stat().st_size))):
            connection.putheader(name, value)
        begin = time.monotonic()
        connection.endheaders()
        with path.open("rb") as file:
            connection.sock.sendfile(file)
        place = _answered(connection)
        seconds = time.monotonic() - begin
        _asked(connection, "DELETE", place)
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"the registry does not take the file: {error}") from error
    finally:
        connection.close()
    return seconds


def _asked(connection: http.client.HTTPConnection, method: str, place: str) -> str:
    connection.request(method, place, headers={"Content-Length": "0"})
    return _answered(connection)


def _answered(connection: http.client.HTTPConnection) -> str:
    """Where the upload goes on."""
    answer = connection.getresponse()
    words = answer.read()[:200]
    if answer.status not in (202, 204):
        raise BenchError(f"the registry answered {answer.status} for a bare upload: {words!r}")
    parts = urlsplit(answer.headers.get("Location", ""))
    return f"{parts.path}?{parts.query}"
