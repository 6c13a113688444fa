"""Asking for a channel's lists again where a connection broke off in the middle of an answer.

rattler's client asks again where no answer comes or the answer is a server's error, and not where it ends too early.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from .waiting import finished

Given = TypeVar("Given")
_PAUSES = (0.4, 0.8, 1.6)  # seconds before each further attempt
_BROKEN_OFF = re.compile(
    r"end of file before message length|unexpected EOF during chunk|connection (was )?(reset|closed)|broken pipe|"
    r"IncompleteMessage|before message completed|(error reading|reading) a body from connection",
    re.IGNORECASE,
)


def patiently(work: Callable[[], Coroutine[Any, Any, Given]], *, tick: Callable[[], object]) -> Given:
    """What `finished` gives for `work`, which asks channels, in at most four attempts.

    `tick` is called while it runs and may raise to end it. Raises what rattler raises, of the last attempt.
    """
    from rattler.exceptions import FetchRepoDataError, GatewayError, IoError

    for pause in _PAUSES:
        try:
            return finished(work, tick=tick)
        except (GatewayError, FetchRepoDataError, IoError) as error:
            if not _BROKEN_OFF.search(str(error)):
                raise
        until = time.monotonic() + pause
        while time.monotonic() < until:
            tick()
            time.sleep(0.1)
    return finished(work, tick=tick)
