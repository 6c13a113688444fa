"""Answer requests with a model: read, decode, predict, write."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from ..codec.call import Call
from ..errors import ClientError
from ..protocols import azureml, mlflow, open_inference, wording
from ..wire import Answer, Request
from . import batching
from .model import Model

logger = logging.getLogger("envbuild_runtime")

WRONG = (Exception, SystemExit)
"""What a model may raise. It ends neither the process nor the requests behind it."""

PROTOCOLS: dict[str, ModuleType] = {"score": azureml, "invocations": mlflow, "infer": open_inference}


class Answering:
    """What a worker does with the requests for a model."""

    def __init__(self, model: Model, compat: str = "") -> None:
        self._model = model
        self._compat = compat

    def about(self) -> dict[str, Any]:
        """Return what only a worker can know of the model: nothing that MLmodel does not say."""
        return {}

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer a batch: one prediction for those that can be asked together, in whatever order they are done."""
        if len(requests) == 1:
            yield self._single(requests[0])
            return
        waiting: list[batching.Part] = []
        for request in requests:
            try:
                call = PROTOCOLS[request.kind].read(request, self._model.signature)
                waiting.append(batching.Part(request, call, self._model.read(call)))
            except ClientError as problem:
                yield self._refused(request, problem)
            except WRONG as problem:
                yield self._failed(request, 0.0, problem)
        for group in batching.groups(waiting, self._model.signature):
            if len(group) > 1:
                started = time.perf_counter()
                try:
                    results = batching.ask(self._model, group)
                except WRONG:
                    # One of them is at fault: asked one by one, only that one is told so.
                    logger.debug("a batch of %d is asked again, one by one", len(group), exc_info=True)
                else:
                    seconds = (time.perf_counter() - started) / len(group)
                    for part, (result, rows) in zip(group, results):  # noqa: B905 (Python 3.9)
                        yield self._written(part.request, part.call, result, rows, seconds)
                    continue
            for part in group:
                yield self._single(part.request)

    def _single(self, request: Request) -> Answer:
        started = time.perf_counter()
        try:
            call = PROTOCOLS[request.kind].read(request, self._model.signature)
            data = self._model.decode(call)
            started = time.perf_counter()
            result = self._model.predict(data, call.params)
            seconds = time.perf_counter() - started
        except ClientError as problem:
            return self._refused(request, problem)
        except WRONG as problem:
            return self._failed(request, time.perf_counter() - started, problem)
        return self._written(request, call, result, batching.rows(data), seconds)

    def _written(self, request: Request, call: Call, result: Any, rows: int, seconds: float) -> Answer:
        try:
            answer: Answer = PROTOCOLS[request.kind].write(call, result)
        except ClientError as problem:
            return self._refused(request, problem)
        except WRONG as problem:
            return self._failed(request, seconds, problem)
        answer.number, answer.rows, answer.seconds = request.number, rows, seconds
        return answer

    def _refused(self, request: Request, problem: ClientError) -> Answer:
        status, body = wording.refused(request.kind, problem, self._compat)
        return Answer(status, body, failed=status >= 500, number=request.number)

    def _failed(self, request: Request, seconds: float, problem: BaseException) -> Answer:
        logger.exception("%s failed", request.path, extra={"request_id": request.headers.get("x-request-id", "")})
        status, body = wording.failed(request.kind, compat=self._compat, problem=problem)
        return Answer(status, body, seconds=seconds, failed=True, number=request.number)
