"""Answer requests with a user's scoring script."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .. import logs
from ..errors import ClientError
from ..protocols import wording
from ..wire import Answer, Request
from .replies import answers
from .script import Script

logger = logging.getLogger("envbuild_runtime")


class Scripted:
    """What a worker does with the requests for a script."""

    def __init__(self, root: Path, path: Path, *, compat: str = "") -> None:
        self._script = Script(root, path)
        self._compat = compat

    def about(self) -> dict[str, Any]:
        """Return what only a worker can know of the script: `raw` and its `swagger` by version."""
        return {"raw": self._script.raw, "swagger": self._script.swagger()}

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer requests, one after the other: a script is never given several at once."""
        for request in requests:
            with logs.request(request.headers.get("x-request-id", "")):
                for answer in self._single(request):
                    answer.number = request.number
                    yield answer

    def _single(self, request: Request) -> Iterator[Answer]:
        """Give the answer to a request, or its parts; the last part of a stream that breaks off is a failed one."""
        started = time.perf_counter()
        begun = False
        try:
            for answer in answers(self._script.call(request)):
                if not begun:
                    answer.seconds = time.perf_counter() - started
                begun = answer.more
                yield answer
        except ClientError as problem:
            status, body = wording.refused(request.kind, problem, self._compat)
            yield Answer(status, body, failed=status >= 500)
        except (Exception, SystemExit):
            logger.exception("run() failed")
            status, body = wording.failed(request.kind, script=True, compat=self._compat)
            seconds = time.perf_counter() - started
            yield Answer(status, b"" if begun else body, failed=True, seconds=0.0 if begun else seconds)
