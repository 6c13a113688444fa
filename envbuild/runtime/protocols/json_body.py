"""Read a JSON body and its content type, for all protocols."""

from __future__ import annotations

import json
from typing import Any

import orjson

from ..errors import ClientError


def parse_json(body: bytes) -> Any:
    """Return the parsed body.

    The words NaN, Infinity and -Infinity are no JSON, but MLflow's own input examples hold them: they are read.
    """
    if not body.strip():
        raise ClientError("The body is empty. A JSON object is expected.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if b"NaN" in body or b"Infinity" in body:
            try:
                return json.loads(body)
            except (ValueError, RecursionError):
                pass
        # Its text says what is wrong and where, and holds nothing of the body.
        raise ClientError(f"The body is not JSON: {error}") from None


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the body, a JSON object."""
    content = parse_json(body)
    if not isinstance(content, dict):
        raise ClientError("The body has to be a JSON object.")
    return content


def media_type(header: str) -> str:
    """Return the media type of a Content-Type header in lower case; ClientError (415) for a charset but UTF-8."""
    kind, _, parameters = header.partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        charset = value.strip().strip('"').lower()
        if name.strip().lower() == "charset" and charset not in ("utf-8", "utf8", "us-ascii"):
            raise ClientError("Expects the charset to be utf-8", status=415)
    return kind.strip().lower()


def check_json(header: str) -> None:
    """Refuse what is neither JSON in UTF-8 nor unnamed; names and parameters in any case, as HTTP allows."""
    if media_type(header) not in ("", "application/json"):
        raise ClientError("Expects Content-Type to be application/json", status=415)
