"""What `run()` answered, as HTTP: a value as JSON, a response as it is, a generator as a stream."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..codec.encode import encode
from ..wire import BODILESS, Answer

FAILED = "x-ms-run-function-failed"
NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
NO_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def answers(result: Any) -> Iterator[Answer]:
    """Give the answer to a result of `run()`: one, or where it is streamed its parts, each as soon as it is there.

    TypeError for what has no form in JSON, ValueError for a response that has none in HTTP. What a stream raises is
    raised when its part is asked for.
    """
    if hasattr(result, "get_data") and hasattr(result, "status_code"):
        yield from _response(result)
    elif isinstance(result, Iterator):
        yield from _stream(result)
    else:
        yield Answer(200, encode({} if result is None else result))


def _response(response: Any) -> Iterator[Answer]:
    """Give the answer to a response of Werkzeug's, Flask's or Azure ML's server."""
    status = response.status_code
    if not 200 <= status <= 599:
        raise ValueError(f"run() answered with the status {status}, and the last answer to a request has 200 to 599")
    headers: dict[str, str] = {}
    failed = status >= 500
    for name, value in response.headers.items():
        name, value = name.lower(), str(value)
        if not NAME.fullmatch(name) or NO_VALUE.search(value):
            raise ValueError(f"run() answered with a header that HTTP cannot carry: {name!r}")
        if name == FAILED:
            failed = failed or value == "True"
        elif name not in ("content-type", "content-length", "transfer-encoding", "connection"):
            # Several of one name are lines of one value here.
            headers[name] = f"{headers[name]}\n{value}" if name in headers else value
    media_type = response.headers.get("content-type") or "application/octet-stream"
    head = Answer(status, b"", media_type, headers, failed=failed)
    if status in BODILESS:
        # What is sent nevertheless would be read as the beginning of the next answer.
        response.close()
        yield head
        return
    if not response.is_streamed:
        head.body = response.get_data()
        yield head
        return
    try:
        yield from _parts(head, response.iter_encoded())
    finally:
        response.close()


def _stream(parts: Iterator[Any]) -> Iterator[Answer]:
    """Give what a generator of texts or bytes makes; the first part decides which it is."""
    first = next(parts, b"")
    media_type = "text/plain; charset=utf-8" if isinstance(first, str) else "application/octet-stream"

    def encoded() -> Iterator[bytes]:
        yield _bytes(first)
        yield from map(_bytes, parts)

    yield from _parts(Answer(200, b"", media_type), encoded())


def _parts(head: Answer, parts: Iterable[bytes]) -> Iterator[Answer]:
    """Give the head with the first part, the others, and an end without any."""
    begun = False
    for part in parts:
        if not begun:
            begun, head.body, head.more = True, part, True
            yield head
        elif part:
            yield Answer(head.status, part, more=True)
    yield Answer(head.status) if begun else head


def _bytes(part: Any) -> bytes:
    if isinstance(part, str):
        return part.encode("utf-8")
    if isinstance(part, (bytes, bytearray, memoryview)):
        return bytes(part)
    raise TypeError(f"run() streams texts or bytes, and one part is {type(part).__name__}")
