"""The ASGI application: the routes of Azure ML's and of MLflow's server for one model or one script."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .answers import Answer, azure_error, invocations, mlflow_error, run_script, score
from .errors import ClientError
from .identifiers import identifiers
from .metrics import Metrics
from .script import Script

if TYPE_CHECKING:
    from .model import Model

    # Not at run time: Python 3.8 has no such types.
    Work = Callable[[bytes, Mapping[str, str]], Answer]
    Endpoint = Callable[[Request], Awaitable[Response]]

logger = logging.getLogger("envbuild_runtime")
SCRIPT_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
MODEL_FAILED = "The model raised an error. Check the logs for more info."


class Application:
    """What all requests share: the workers, the limits and the counters."""

    def __init__(self, executor: Executor, body_limit: int) -> None:
        self.executor = executor
        self.body_limit = body_limit
        self.metrics = Metrics()
        self.pending: set[Future[Answer]] = set()
        """Predictions running or waiting, also those whose caller is gone."""

    def build(self, *, model: Model | None = None, script: Script | None = None) -> Starlette:
        """Return the ASGI application for a model or for a script."""
        routes = [
            Route("/", self._text("Healthy"), methods=["GET"]),
            Route("/ping", self._text("\n", "application/json"), methods=["GET"]),
            Route("/metrics", self._metrics, methods=["GET"]),
        ]
        if script is not None:
            work = functools.partial(run_script, script)
            routes.append(Route("/score", self._endpoint("/score", work, azure_error, SCRIPT_FAILED), methods=["POST"]))
        elif model is not None:
            for path, function, error in (("/score", score, azure_error), ("/invocations", invocations, mlflow_error)):
                endpoint = self._endpoint(path, functools.partial(function, model), error, MODEL_FAILED)
                routes.append(Route(path, endpoint, methods=["POST"]))
        return Starlette(routes=routes, exception_handlers={HTTPException: _http_error, Exception: _server_error})

    def _endpoint(self, route: str, work: Work, error: Callable[[int, str], Answer], failed: str) -> Endpoint:
        async def respond(request: Request) -> Response:
            names: dict[str, str] = {}
            try:
                names = identifiers(request.headers)
                body = await self._body(request)
                answer = await self._off_loop(work, body, request.headers)
            except ClientError as problem:
                answer = error(problem.status, problem.message)
            except Exception:
                logger.exception("%s failed (x-request-id %s)", route, names.get("x-request-id", ""))
                answer = error(500, failed)
            self.metrics.requests.labels(route, str(answer.status)).inc()
            headers = {**names, "x-ms-run-function-failed": str(answer.status >= 500), **(answer.headers or {})}
            headers.update(names)
            if answer.status < 400:
                headers["x-ms-run-fn-exec-ms"] = f"{answer.seconds * 1000:.3f}"
                self.metrics.seconds.labels(route).observe(answer.seconds)
            return Response(answer.body, answer.status, headers, answer.media_type)

        return respond

    async def _off_loop(self, work: Work, body: bytes, headers: Mapping[str, str]) -> Answer:
        future = self.executor.submit(work, body, headers)
        self.pending.add(future)
        self.metrics.waiting.inc()
        future.add_done_callback(self._done)
        return await asyncio.wrap_future(future)

    def _done(self, future: Future[Answer]) -> None:
        self.pending.discard(future)
        self.metrics.waiting.dec()

    async def _body(self, request: Request) -> bytes:
        parts = []
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > self.body_limit:
                raise ClientError(f"The body is larger than {self.body_limit} bytes.", status=413)
            parts.append(part)
        return b"".join(parts)

    def _text(self, text: str, media_type: str = "text/plain") -> Endpoint:
        async def respond(request: Request) -> Response:
            return Response(text, media_type=media_type)

        return respond

    async def _metrics(self, request: Request) -> Response:
        text, media_type = self.metrics.exposition()
        return Response(text, media_type=media_type)


TEXTS = {
    404: "The requested URL was not found on the server.",
    405: "The method is not allowed for the requested URL.",
}


async def _http_error(request: Request, error: Any) -> Response:
    text = TEXTS.get(error.status_code, str(error.detail))
    write = mlflow_error if request.url.path == "/invocations" else azure_error
    answer = write(error.status_code, text)
    return Response(answer.body, answer.status, dict(error.headers or {}), answer.media_type)


async def _server_error(request: Request, error: Exception) -> Response:
    answer = azure_error(500, "An unexpected internal error occurred. Check the logs for more info.")
    return Response(answer.body, answer.status, media_type=answer.media_type)
