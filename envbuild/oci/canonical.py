"""One way of writing JSON and of naming bytes, so that equal values have equal digests everywhere."""

from __future__ import annotations

import hashlib
import json
from typing import Any

# The one timestamp of every file in every layer: 1980-01-01, the first that a zip can also hold.
EPOCH = 315532800


def canonical_json(value: Any) -> bytes:
    """`value` as UTF-8 JSON with sorted keys and no white space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256_digest(data: bytes) -> str:
    """`sha256:<hex>` of `data`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_of(value: Any) -> str:
    """The digest of a JSON value in its canonical form."""
    return sha256_digest(canonical_json(value))
