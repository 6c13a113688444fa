"""Answer requests with a user's scoring script."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..codec.encode import encode
from ..errors import ClientError
from ..protocols import wording
from ..wire import Answer, Request
from .script import Script

logger = logging.getLogger("envbuild_runtime")


class Scripted:
    """What a worker does with the requests for a script."""

    def __init__(self, root: Path, path: Path, *, compat: str = "") -> None:
        self._script = Script(root, path)
        self._compat = compat

    def about(self) -> dict[str, Any]:
        """Return what only a worker can know of the script."""
        return {}

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer requests, one after the other: a script is never given several at once."""
        for request in requests:
            yield self._single(request)

    def _single(self, request: Request) -> Answer:
        started = time.perf_counter()
        try:
            result = self._script.call(request.body, request.headers)
            seconds = time.perf_counter() - started
            answer = self._answer(result)
        except ClientError as problem:
            status, body = wording.refused(request.kind, problem, self._compat)
            return Answer(status, body, number=request.number)
        except (Exception, SystemExit):
            logger.exception("run() failed", extra={"request_id": request.headers.get("x-request-id", "")})
            status, body = wording.failed(request.kind, script=True, compat=self._compat)
            return Answer(status, body, failed=True, number=request.number, seconds=time.perf_counter() - started)
        answer.number, answer.seconds = request.number, seconds
        return answer

    def _answer(self, result: Any) -> Answer:
        if not (hasattr(result, "get_data") and hasattr(result, "status_code")):
            return Answer(200, encode({} if result is None else result))
        headers: dict[str, str] = {}
        for name, value in result.headers.items():
            if name.lower() not in ("content-type", "content-length"):
                headers[name.lower()] = str(value)
        media_type = result.headers.get("content-type") or "application/octet-stream"
        return Answer(result.status_code, result.get_data(), media_type, headers, failed=result.status_code >= 500)
