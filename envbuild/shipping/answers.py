"""What an engine answers: lines of progress, and refusals in its own words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .engine import RefusedError

OTHERWISE = "or write a file: --output oci-archive=image.tar"


class MissingError(RefusedError):
    """HTTP 404: no such image."""


def messages(body: bytes) -> list[str]:
    """The lines of a stream of JSON objects. RefusedError for the first that is an error."""
    said = []
    for line in body.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if not isinstance(entry, dict):
            continue
        if text := said_well(entry):
            said.append(text)
    return said


def said_well(entry: Mapping[str, Any]) -> str:
    """The text of a line of progress. RefusedError where it tells of a failure.

    Engines from version 27 on say in such a line that they could not unpack an image, and call it loaded.
    """
    text = str(entry.get("stream") or entry.get("status") or "").strip()
    if failure := entry.get("error") or (entry.get("errorDetail") or {}).get("message"):
        raise refused(str(failure))
    if text.startswith("Error unpacking"):
        raise refused(text)
    return text


def refused(message: str) -> RefusedError:
    """The engine's own words as an error, with a hint where the cause is known."""
    hint = "look at the daemon's log"
    if "no space left" in message.lower():
        hint = "free space on the engine's disk (docker system df shows what takes it), " + OTHERWISE
    return RefusedError(f"the container engine says: {message.strip()}", hint=hint)


def refusal(status: int, body: bytes) -> RefusedError:
    """The error of an answer that is no success."""
    try:
        message = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        message = body[:500].decode("utf-8", "replace").strip() or f"HTTP {status}"
    if status == 404:
        return MissingError(f"the container engine says: {message}")
    return refused(message)
