"""What a protocol found in a request: a value for the model, how it is written, and parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Call:
    """A request to the model, before its values are looked at."""

    payload: Any
    """A JSON value; the bytes of the body for the forms `csv` and `parquet`."""
    params: Any = None
    label: str = "input"
    """The request's name for the value, for messages."""
    form: str = "any"
    """`split`, `records`, `csv`, `parquet`, `raw` (the model takes the value as it is), or `any`: the value shows."""
    extra: dict[str, Any] = field(default_factory=dict)
    """What the protocol needs again when it writes the answer."""
