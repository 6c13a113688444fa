"""What the process that speaks HTTP and the workers that hold the model say to each other.

A frame on their socket: the length of the head (uint32) and of the body (uint64), little-endian, the head as JSON, the
body as it is. A request goes to a worker with its number; answers carry the number of their request.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

LENGTHS = struct.Struct("<IQ")
BODILESS = (204, 304)
"""Statuses whose answers have no body, nor a length of it."""


@dataclass
class Request:
    """An HTTP request whose body is there."""

    kind: str
    """What is asked: `score`, `invocations` or `infer`."""
    method: str = "POST"
    path: str = "/"
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    """By lower-case name; lines of one name are joined by commas."""
    body: bytes = b""
    number: int = 0
    more: int = 0
    """How many requests of the same batch follow."""
    client: str = ""
    """The address that the request came from, where it has one."""


@dataclass
class Answer:
    """An HTTP answer, or a part of one that is streamed."""

    status: int = 200
    body: bytes = b""
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """Time in the model or script."""
    rows: int = 0
    """How many rows the model was asked for; 0 where that is not known."""
    failed: bool = False
    """The model or script raised."""
    number: int = 0
    more: bool = False
    """Further parts of the body follow."""


@dataclass
class Ready:
    """A worker says that it has loaded."""

    seconds: float
    """How long loading took."""
    about: dict[str, Any] = field(default_factory=dict)
    """What only the worker can know: for a script its `swagger` by version."""


def pack_request(request: Request) -> bytes:
    """Return a request as a frame."""
    head: bytes = orjson.dumps(
        [
            request.number,
            request.more,
            request.kind,
            request.method,
            request.path,
            request.query,
            request.headers,
            request.client,
        ]
    )
    return LENGTHS.pack(len(head), len(request.body)) + head + request.body


def unpack_request(head: bytes, body: bytes) -> Request:
    """Return the request of a frame."""
    number, more, kind, method, path, query, headers, client = orjson.loads(head)
    return Request(kind, method, path, query, headers, body, number, more, client)


def pack_answer(answer: Answer) -> bytes:
    """Return an answer as a frame."""
    head: bytes = orjson.dumps(
        [
            answer.number,
            answer.more,
            answer.status,
            answer.media_type,
            answer.headers,
            answer.seconds,
            answer.rows,
            answer.failed,
        ]
    )
    return LENGTHS.pack(len(head), len(answer.body)) + head + answer.body


def pack_ready(ready: Ready) -> bytes:
    """Return the word that a worker is ready as a frame."""
    head: bytes = orjson.dumps({"seconds": ready.seconds, "about": ready.about})
    return LENGTHS.pack(len(head), 0) + head


def unpack_answer(head: bytes, body: bytes) -> Answer | Ready:
    """Return what a worker said in a frame."""
    content = orjson.loads(head)
    if isinstance(content, dict):
        return Ready(content["seconds"], content["about"])
    number, more, status, media_type, headers, seconds, rows, failed = content
    return Answer(status, body, media_type, headers, seconds, rows, failed, number, more)


class Frames:
    """Puts frames together from the pieces in which they arrive."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Take a piece; give the head and body of each frame that is whole with it."""
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= LENGTHS.size:
                head, body = LENGTHS.unpack_from(buffer, start)
                middle = start + LENGTHS.size + head
                end = middle + body
                if len(buffer) < end:
                    break
                with memoryview(buffer) as view:
                    frame = bytes(view[start + LENGTHS.size : middle]), bytes(view[middle:end])
                start = end
                yield frame
        finally:
            # Once for all frames: what lies behind them is moved. A caller that stopped listening had them, too.
            del buffer[:start]
