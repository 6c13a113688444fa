"""The model's own example as a request of each protocol; without one, a request made up by the signature.

It is what /docs is filled with and what /openapi.json shows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .example import as_rows, defaults, example_of, is_records, is_split, is_unified, made_up, specs_of
from .sample_tensors import tensors_of

LARGEST = 200_000
"""Characters of JSON. A larger request is none to look at."""


def samples(mlmodel: Mapping[str, Any], folder: Path) -> dict[str, dict[str, Any]]:
    """Return a request's body by kind: `score`, `invocations` and `infer`; a kind that has none is absent.

    The values are JSON's: what is not a number is null. Not every value of an example can be told in tensors, so
    `infer` may be absent alone.
    """
    try:
        found = _samples(mlmodel, folder)
    except RecursionError:
        # An example of thousands of lists in each other.
        return {}
    return {kind: body for kind, body in found.items() if len(json.dumps(body)) <= LARGEST}


def _samples(mlmodel: Mapping[str, Any], folder: Path) -> dict[str, dict[str, Any]]:
    inputs, _, params = specs_of(mlmodel)
    value, given = example_of(mlmodel, folder)
    if value is None:
        value = made_up(inputs)
    if value is None:
        return {}
    value = finite(value)
    typed = bool(mlmodel.get("is_signature_from_type_hint"))
    rows = value if typed else as_rows(value, inputs)
    more: dict[str, Any] = {}
    if params:
        more["params"] = finite(given) or defaults(params)
    form = "inputs" if typed else _form(rows, inputs)
    found: dict[str, dict[str, Any]] = {
        "score": {"input_data": rows, **more},
        "invocations": {**value, **more.get("params", {})} if is_unified(value) else {form: rows, **more},
    }
    tensors = tensors_of(rows, mlmodel, inputs)
    if tensors:
        found["infer"] = {"inputs": tensors}
        if not inputs and form in ("dataframe_split", "dataframe_records"):
            found["infer"]["parameters"] = {"content_type": "pd"}
        elif more:
            # Parameters are single values here; null stands for none.
            found["infer"]["parameters"] = more["params"]
    return found


def finite(value: Any) -> Any:
    """Return a JSON value in which null stands for what is not a number or infinite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {str(name): finite(item) for name, item in value.items()}
    return value


def _form(value: Any, inputs: Sequence[Mapping[str, Any]]) -> str:
    """Return the key of /invocations under which a value means what it means under `input_data`."""
    if inputs and inputs[0]["type"] == "tensor":
        return "inputs"
    if is_split(value):
        return "dataframe_split"
    return "dataframe_records" if is_records(value) else "inputs"
