"""The day on which a model is judged: a version that is supported today is not for ever."""

from __future__ import annotations

import time


def today() -> str:
    """The day in UTC, `2026-11-22`."""
    return time.strftime("%Y-%m-%d", time.gmtime())
