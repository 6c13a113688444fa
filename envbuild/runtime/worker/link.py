"""The worker's end of the socket: requests come in whole batches, answers go out one by one."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

from ..wire import Answer, Frames, Ready, Request, pack_answer, pack_ready, unpack_request

PIECE = 1 << 18


class Link:
    """A socket to the process that speaks HTTP."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        # A process that a model starts would hold the socket open, and nobody would notice the end of this one.
        connection.set_inheritable(False)
        os.register_at_fork(after_in_child=connection.close)
        self._sending = threading.Lock()

    def ready(self, seconds: float, about: dict[str, Any]) -> None:
        """Say that loading took `seconds`, and what is known now."""
        self._send(pack_ready(Ready(seconds, about)))

    def requests(self) -> Iterator[list[Request]]:
        """Give batches of requests until the other side closes the socket."""
        frames = Frames()
        batch: list[Request] = []
        while True:
            try:
                data = self._connection.recv(PIECE)
            except ConnectionError:
                return
            if not data:
                return
            for head, body in frames.feed(data):
                request = unpack_request(head, body)
                batch.append(request)
                if not request.more:
                    yield batch
                    batch = []

    def send(self, answer: Answer) -> None:
        """Send an answer or a part of one."""
        self._send(pack_answer(answer))

    def _send(self, frame: bytes) -> None:
        # Nobody is left to hear it where the other side has closed the socket; `requests` ends then.
        with self._sending, contextlib.suppress(ConnectionError):
            self._connection.sendall(frame)
