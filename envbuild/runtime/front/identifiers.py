"""Request identifiers, as the Azure ML inference server answers them.

x-request-id names the request; x-ms-client-request-id is the client's own; x-ms-request-id is the older name of both.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from ..errors import ClientError

LIMIT = 100


def identifiers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the identifier headers of the answer; ClientError (431) if one is longer than 100 characters."""
    request = headers.get("x-request-id") or str(uuid.uuid4())
    legacy = headers.get("x-ms-request-id", "")
    client = headers.get("x-ms-client-request-id", "")
    if len(request) > LIMIT:
        raise ClientError(f"x-request-id must not exceed {LIMIT} characters", status=431)
    if len(legacy) > LIMIT or len(client) > LIMIT:
        raise ClientError(f"x-ms-request-id and x-ms-client-request-id must not exceed {LIMIT} characters", status=431)
    answer = {"x-request-id": request, "x-ms-request-id": legacy or client or request}
    if client or legacy:
        answer["x-ms-client-request-id"] = client or legacy
    if "traceid" in headers:
        answer["TraceId"] = headers["traceid"]
    return answer
