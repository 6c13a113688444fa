"""Headers of every answer that Azure ML's inference server gives: the request's names, and the server's.

x-request-id names the request; x-ms-client-request-id is the client's own; x-ms-request-id is the older name of both.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from .. import __version__
from ..errors import ClientError

LIMIT = 100
"""How many characters an identifier may have."""
SERVER = f"envbuild/{__version__}"


_random = random.Random()


def new() -> str:
    """Return a UUID of version 4. It names a request and keeps no secret, so no system call is made for it."""
    digits = f"{_random.getrandbits(128):032x}"
    return (
        f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{'89ab'[int(digits[16], 16) & 3]}{digits[17:20]}-{digits[20:]}"
    )


def identify(headers: Mapping[str, str], answer: dict[str, str]) -> None:
    """Put the identifier headers of the answer into `answer`, by those of the request (by lower-case name).

    ClientError (431) if an identifier is too long; `answer` then has those that are not.
    """
    if "traceid" in headers:
        answer["TraceId"] = headers["traceid"]
    request = headers.get("x-request-id") or new()
    if len(request) > LIMIT:
        raise ClientError(f"x-request-id must not exceed {LIMIT} characters", status=431)
    answer["x-request-id"] = request
    legacy = headers.get("x-ms-request-id", "")
    client = headers.get("x-ms-client-request-id", "")
    if len(legacy) > LIMIT or len(client) > LIMIT:
        raise ClientError(f"x-ms-request-id and x-ms-client-request-id must not exceed {LIMIT} characters", status=431)
    answer["x-ms-request-id"] = legacy or client or request
    if client or legacy:
        answer["x-ms-client-request-id"] = client or legacy


def server_name(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the header that names the server; none where SERVER_VERSION_LOG_RESPONSE_ENABLED is not `true`."""
    said = environment.get("SERVER_VERSION_LOG_RESPONSE_ENABLED", "true").strip().lower()
    return {"x-ms-server-version": SERVER} if said == "true" else {}
