"""A route that asks the model: read the body, have a worker answer, send the answer. An ASGI application."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import ClientError
from ..protocols import wording
from ..settings import Settings
from ..wire import BODILESS, Answer, Request
from .access import Access
from .identifiers import identify, server_name
from .job import BusyError, GoneError, Job, LateError, LostError, SlowError
from .joined import Joined
from .metrics import Metrics
from .pool import Pool

logger = logging.getLogger("envbuild_runtime")

RETRY = "1"
"""Seconds after which a client that was sent away may come again."""
UNEXPECTED = "An unexpected internal error occurred. Check the logs for more info."
SINGLE = ("content-type", "host")
"""Headers that are no lists: of several lines the last holds."""


class Endpoint:
    """Answers the requests of one route."""

    def __init__(self, kind: str, route: str, pool: Pool, settings: Settings, metrics: Metrics) -> None:
        self._kind = kind
        self._route = route
        self._pool = pool
        self._settings = settings
        self._metrics = metrics
        self._access = Access(settings.log_format)
        self._server = server_name(os.environ)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        started = time.perf_counter()
        self._metrics.in_flight.inc()
        headers = _headers(scope["headers"])
        names: dict[str, str] = {}
        job: Job | None = None
        try:
            identify(headers, names)
            body = await self._body(headers, receive)
            headers["x-request-id"] = names["x-request-id"]
            request = Request(
                self._kind, scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers, body
            )
            if scope.get("client"):
                request.client = scope["client"][0]
            job = await self._pool.ask(request, _watch(receive))
            answer = job.future.result()
        except GoneError:
            self._metrics.in_flight.dec()
            return
        except ClientError as problem:
            status, text = wording.refused(self._kind, problem, self._settings.compat)
            answer = Answer(status, text)
        except BusyError:
            answer = self._error(503, self._busy())
            answer.headers["retry-after"] = RETRY
        except LateError:
            answer = self._late()
        except LostError as problem:
            answer = self._error(500, f"The process that holds the model ended {problem}. Check the logs.".strip())
            answer.failed = True
        except Exception:
            logger.exception("a request failed", extra={"request_id": names.get("x-request-id", "")})
            answer = self._error(500, UNEXPECTED)
        try:
            await self._send(send, answer, names, job)
        finally:
            self._metrics.in_flight.dec()
            latency = time.perf_counter() - started
            self._metrics.count(self._route, answer.status, latency, answer.seconds, answer.rows)
            self._access(
                scope["method"],
                self._route,
                answer.status,
                latency,
                len(answer.body),
                answer.rows,
                names.get("x-request-id", ""),
            )

    async def _send(self, send: Any, answer: Answer, names: Mapping[str, str], job: Job | None) -> None:
        headers = {"content-type": answer.media_type}
        headers.update(answer.headers)
        headers.setdefault("x-ms-run-function-failed", str(answer.failed))
        if answer.status < 400 or answer.seconds:
            headers["x-ms-run-fn-exec-ms"] = f"{answer.seconds * 1000:.3f}"
        headers.update(names)
        headers.update(self._server)
        streamed = job is not None and job.answers is not None
        if not streamed and answer.status not in BODILESS:
            headers["content-length"] = str(len(answer.body))
        try:
            raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        except UnicodeEncodeError:
            logger.error("the answer has a header that HTTP cannot carry", extra={"request_id": names["x-request-id"]})
            failed = self._error(500, UNEXPECTED)
            answer.status, answer.body, answer.headers, answer.failed = failed.status, failed.body, {}, True
            answer.media_type = failed.media_type
            await self._send(send, answer, names, None)
            return
        if answer.headers:
            # A header that a script gives several times comes as lines, which no header may hold.
            raw = [(name, line) for name, value in raw for line in value.split(b"\n")]
        with Joined(send):
            await send({"type": "http.response.start", "status": answer.status, "headers": raw})
            await send({"type": "http.response.body", "body": answer.body, "more_body": streamed})
        if streamed and job is not None:
            try:
                async for part in job.rest():
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            except (LateError, LostError, SlowError) as problem:
                # Left without its end, so that nobody takes it for the whole.
                answer.failed = True
                logger.error("a streamed answer broke off: %s", problem or "it took too long")
                return
            await send({"type": "http.response.body", "body": b""})

    async def _body(self, headers: Mapping[str, str], receive: Any) -> bytes:
        limit = self._settings.body_limit
        if headers.get("content-length", "0").isdecimal() and int(headers.get("content-length", "0")) > limit:
            raise ClientError(f"The body is larger than {limit} bytes.", status=413)
        whole = _whole(receive)
        parts, size, more = [], 0, True
        loop = asyncio.get_running_loop()
        end = loop.time() + self._settings.body_seconds
        while more:
            waiting = self._receive(receive)
            try:
                message = await (waiting if whole else asyncio.wait_for(waiting, end - loop.time()))
            except asyncio.TimeoutError:
                raise ClientError(
                    f"The body did not arrive within {self._settings.body_seconds} seconds.", status=408
                ) from None
            more = message.get("more_body", False)
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise ClientError(f"The body is larger than {limit} bytes.", status=413)
        return b"".join(parts)

    async def _receive(self, receive: Any) -> Any:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        return message

    def _busy(self) -> str:
        if not self._pool.loaded:
            return "The model is being loaded. Try again later."
        return f"{self._settings.queue} requests wait already. Try again later."

    def _late(self) -> Answer:
        milliseconds = round(self._settings.timeout * 1000)
        # Azure ML's server answers 500, MLflow's 504.
        answer = self._error(500 if self._kind == "score" else 504, f"Scoring timeout after {milliseconds} ms")
        answer.failed = True
        return answer

    def _error(self, status: int, message: str) -> Answer:
        return Answer(status, wording.word(self._kind, status, message))


def _headers(lines: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers by lower-case name: lines of one name are one list, as HTTP and Azure ML's server have it."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in lines}
    if len(headers) < len(lines):
        headers.clear()
        for key, line in lines:
            name, value = key.decode("latin-1"), line.decode("latin-1")
            headers[name] = f"{headers[name]},{value}" if name in headers and name not in SINGLE else value
    return headers


def _whole(receive: Any) -> bool:
    """Whether the whole body is there, as it is for most requests: a clock for what is left would take a task."""
    return not getattr(getattr(receive, "__self__", None), "more_body", True)


def _watch(receive: Any) -> Callable[[], bool]:
    """Return what tells whether the client has closed the connection.

    uvicorn knows it on the object that `receive` belongs to. Waiting for the message that says so would take a task for
    each request.
    """
    cycle = getattr(receive, "__self__", None)
    return lambda: bool(getattr(cycle, "disconnected", False))
