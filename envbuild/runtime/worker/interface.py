"""What the decorators of inference_schema say of a script's `run()`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

import orjson

from ..codec.encode import encode

logger = logging.getLogger("envbuild_runtime")

VERSIONS = {"2": ("2", "2.0"), "3": ("3", "3.0"), "3.1": ("3.1",)}
"""The versions of Swagger and how inference_schema names them."""
UNKNOWN = {"type": "object", "example": {}}
"""What is said of a `run()` without decorators."""


def is_decorated(run: Callable[..., Any]) -> bool:
    """Tell whether inference_schema wraps `run`; only a script that imported it can be wrapped."""
    if "inference_schema" not in sys.modules:
        return False
    from inference_schema.schema_util import is_schema_decorated

    return bool(is_schema_decorated(run))


def swagger_of(run: Callable[..., Any]) -> dict[str, Any]:
    """Return {"input": schema, "output": schema} by the versions of Swagger in which both can be said."""
    if not is_decorated(run):
        return {version: {"input": UNKNOWN, "output": UNKNOWN} for version in VERSIONS}
    from inference_schema import schema_util

    try:
        # inference_schema tells the versions from 1.4 on.
        tell = getattr(schema_util, "get_supported_versions", None)
        known = tell(run) if tell is not None else ("2.0", "3.0")
        both = {"input": schema_util.get_input_schema(run), "output": schema_util.get_output_schema(run)}
        # Examples may hold what is no JSON.
        schemas = orjson.loads(encode(both))
    except Exception:
        logger.warning("there is no swagger.json: the schemas of run() cannot be written", exc_info=True)
        return {}
    return {version: schemas for version, names in VERSIONS.items() if any(name in known for name in names)}
