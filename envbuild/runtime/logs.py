"""Log lines, one a record: JSON for machines, or text for people (ENVBUILD_LOG_FORMAT).

Whatever a record holds, its JSON line is valid, one line, and UTF-8.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .prints import Prints

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
# Lone surrogates have no UTF-8; the others end a line for readers that know more ends than \n.
_UNFIT = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SHOWN = 20
"""How many requests of a batch a line names."""
_BITS = 4096
"""How large a whole number may be that is written out."""
_DEPTH = 20
"""How deep the values of a record are looked into."""
current = threading.local()
"""`current.request_id`: the request that this thread works on, or several in a batch, with commas between."""


@contextmanager
def request(*identifiers: str) -> Iterator[None]:
    """Name the requests that the block works on: each line that is logged or printed in this thread carries them."""
    before = getattr(current, "request_id", "")
    more = len(identifiers) - _SHOWN
    current.request_id = ",".join(identifiers[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    try:
        yield
    finally:
        # What was printed without an end of line belongs to this request, not to the next.
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, Prints):
                stream.flush()
        current.request_id = before


class JsonLines(logging.Formatter):
    """A record as a JSON object: time (UTC), level, logger, message, and what else the record carries."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        content: dict[str, Any] = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
        }
        identifier = getattr(current, "request_id", "")
        if identifier:
            content["request_id"] = identifier
        for name, value in vars(record).items():
            if name not in _OWN:
                # An extra may repeat the request's id, but not stand in for the record's own time or level.
                content[f"extra_{name}" if name in content and name != "request_id" else name] = value
        if record.exc_info and record.exc_info[0] is not None:
            content["exception"] = _attempt(lambda: self.formatException(record.exc_info))  # type: ignore[arg-type]
        elif record.exc_text:
            content["exception"] = record.exc_text
        if record.stack_info:
            content["stack"] = record.stack_info
        try:
            text = _ENCODE(content)
        except (TypeError, ValueError, RecursionError):
            text = _ENCODE(plain(content))
        return _UNFIT.sub(_escaped, text)


class TextLines(logging.Formatter):
    """A record as Azure ML's server writes it, the request's name behind it."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name that logging calls)
        """Return the line of a record without its traceback."""
        identifier = getattr(record, "request_id", "") or getattr(current, "request_id", "")
        return super().formatMessage(record) + (f" ({identifier})" if identifier else "")


class Stream(logging.StreamHandler):  # type: ignore[type-arg]  # no subscript before Python 3.11
    """Writes lines, and keeps silent where it cannot: a complaint would be a line that cannot be written either."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name that logging calls)
        """Do nothing."""


def set_up(form: str, level: str = "info") -> None:
    """Send the records of all loggers, warnings and exceptions of threads to stderr, in `form`: json or text."""
    stream: Any = sys.__stderr__ if sys.__stderr__ is not None else sys.stderr
    if hasattr(stream, "reconfigure"):
        # Without a locale, Python would write what is not ASCII in a way that JSON does not know.
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    handler = Stream(stream)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    threading.excepthook = _thread_failed
    # MLflow would give its loggers a handler and a format of their own.
    os.environ.setdefault("MLFLOW_CONFIGURE_LOGGING", "false")


def take_prints() -> None:
    """Send what is printed to the log too, in lines of its own. After `set_up`."""
    (handler,) = logging.getLogger().handlers
    sys.stdout = Prints("print", logging.INFO, sys.__stdout__, handler)
    sys.stderr = Prints("stderr", logging.INFO, sys.__stderr__, handler)


def plain(value: Any, depth: int = _DEPTH) -> Any:
    """Return the nearest value that JSON has a word for; NaN and infinities are texts, as is what lies too deep."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        # Python writes no number of thousands of digits as text.
        return value if value.bit_length() <= _BITS else f"<a whole number of {value.bit_length()} bits>"
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "backslashreplace")
    if depth > 0 and isinstance(value, Mapping):
        return {_attempt(lambda key=key: str(key)): plain(item, depth - 1) for key, item in list(value.items())}  # type: ignore[misc]
    if depth > 0 and isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, depth - 1) for item in list(value)]
    return _attempt(lambda: str(value)) if depth > 0 else "..."


def _attempt(make: Callable[[], str]) -> str:
    """Return the text that is made, or say that it could not be."""
    try:
        return make()
    except Exception as error:
        return f"<no text: {type(error).__name__}>"


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:
        return f"{_attempt(lambda: str(record.msg))} {plain(record.args)}"


def _escaped(match: re.Match[str]) -> str:
    number = ord(match.group())
    return "\ufffd" if 0xD800 <= number <= 0xDFFF else f"\\u{number:04x}"


def _thread_failed(arguments: threading.ExceptHookArgs) -> None:
    if issubclass(arguments.exc_type, SystemExit):
        return
    name = arguments.thread.name if arguments.thread is not None else "?"
    trace: Any = (arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
    logging.getLogger("envbuild_runtime").error("thread %s failed", name, exc_info=trace)
