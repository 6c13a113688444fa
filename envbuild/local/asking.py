"""One HTTP request, and the answer as it came."""

from __future__ import annotations

import json
import select
import time
from http.client import HTTPConnection, HTTPException
from typing import Any

from ..records import dataclass

# Seconds that a server has to refuse a body by its length alone, before it is sent.
_REFUSAL = 2.0
_LARGE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server answered, after `seconds`."""

    status: int
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def document(self) -> Any:
        """The body as JSON. Raises ValueError if it is none."""
        return json.loads(self.body)


def ask(
    host: str, port: int, method: str, path: str, body: bytes | None = None, *, timeout: float = 60.0, media: str = ""
) -> Answer:
    """Send one request over a connection of its own. Raises OSError where no whole answer comes."""
    started = time.monotonic()
    connection = HTTPConnection(host, port, timeout=timeout)
    try:
        connection.putrequest(method, path)
        if body is not None:
            connection.putheader("Content-Type", media or "application/json")
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        if body and not (len(body) > _LARGE and _answers(connection)):
            _send(connection, body)
        answer = connection.getresponse()
        return Answer(status=answer.status, body=answer.read(), seconds=time.monotonic() - started)
    except HTTPException as error:
        raise ConnectionError(f"the answer broke off: {type(error).__name__}") from error
    finally:
        connection.close()


def _answers(connection: HTTPConnection) -> bool:
    return bool(select.select([connection.sock], [], [], _REFUSAL)[0])


def _send(connection: HTTPConnection, body: bytes) -> None:
    try:
        connection.send(body)
    except (BrokenPipeError, ConnectionResetError):
        # Refused before it was sent to its end: the answer is there to read.
        if len(body) <= _LARGE:
            raise
