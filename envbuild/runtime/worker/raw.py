"""Requests and answers as scripts under Azure ML's server know them, on Werkzeug.

Imported only for scripts that ask for one of these names.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from werkzeug.wrappers import Request, Response

from .. import wire
from ..codec.encode import encode

Function = TypeVar("Function", bound=Callable[..., Any])

requested = False
"""A function has been decorated with @rawhttp."""


def rawhttp(function: Function) -> Function:
    """Have `run()` called with the request itself, an AMLRequest, whatever its method and content type."""
    global requested
    requested = True
    return function


class AMLRequest(Request):
    """An HTTP request: method, args, headers, data, form, files, get_json()."""


class AMLResponse(Response):
    """An answer of `run()` that is sent as it is.

    `message` is a text, bytes, or an iterable of them, which is streamed; with `json_str` any value, sent as JSON; None
    is sent as {}. Commas in the values of `response_headers` stand between several headers of that name.
    """

    default_mimetype = "text/html"

    def __init__(
        self,
        message: Any,
        status_code: int,
        response_headers: Mapping[str, str] | None = None,
        json_str: bool = False,
        run_function_failed: bool = False,
    ) -> None:
        headers = dict(response_headers or {})
        as_json = json_str or message is None
        if as_json:
            body = encode({} if message is None else message)
            super().__init__(body, status=status_code, mimetype="application/json")
        else:
            super().__init__(message, status=status_code)
        own_type = any(name.lower() == "content-type" for name in headers)
        if own_type and not as_json:
            del self.headers["Content-Type"]
        self.headers["x-ms-run-function-failed"] = str(bool(run_function_failed))
        for name, value in headers.items():
            if not (as_json and name.lower() == "content-type"):
                for part in value.split(","):
                    self.headers.add(name, part.strip())


def to_request(request: wire.Request) -> AMLRequest:
    """Return a request as Werkzeug has it."""
    host, _, port = request.headers.get("host", "").rpartition(":")
    environment: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        # WSGI has paths as latin-1.
        "PATH_INFO": request.path.encode("utf-8").decode("latin-1"),
        "QUERY_STRING": request.query,
        "SERVER_NAME": host if port.isdecimal() else request.headers.get("host", "localhost"),
        "SERVER_PORT": port if port.isdecimal() else "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": request.client,
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        if name == "content-type":
            environment["CONTENT_TYPE"] = value
        elif name not in ("content-length", "transfer-encoding"):
            environment["HTTP_" + name.upper().replace("-", "_")] = value
    return AMLRequest(environment)
