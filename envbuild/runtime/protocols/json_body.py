"""Read a JSON body and its content type, for all protocols."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from ..errors import ClientError

ZEROS = bytes(ord("0") if chr(byte).isdecimal() else ord(" ") for byte in range(256))
"""Every digit becomes a 0, anything else a space."""
LONG = b"0" * 19
"""The digits of -(2**63): the shortest whole number that may have more than 64 bits."""
BEYOND = re.compile(rb"[\[,:\s](?:-[0-9]{19,}|[0-9]{20,})[\],}\s]")
"""A whole number that may have more than 64 bits, with what stands around it in lists and objects."""


def loads(body: bytes) -> Any:
    """Return the value of JSON. Whole numbers are exact, of any size; orjson.JSONDecodeError for what is no JSON."""
    content = orjson.loads(body)
    # orjson makes floats of whole numbers beyond 64 bits: they would be rounded, and nobody could tell.
    if LONG in body.translate(ZEROS) and BEYOND.search(body):
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise orjson.JSONDecodeError("a list or a number is too long to be read exactly", "", 0) from None
    return content


def parse_json(body: bytes) -> Any:
    """Return the parsed body.

    The words NaN, Infinity and -Infinity are no JSON, but MLflow's own input examples hold them: they are read.
    """
    if not body.strip():
        raise ClientError("The body is empty. A JSON object is expected.")
    try:
        return loads(body)
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
