"""What the Open Inference protocol calls the model, its version, its inputs and its outputs.

Inputs and outputs without a name are called input-0, input-1, ... and output-0, output-1, ..., as MLServer does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..codec.signature import read_mlmodel
from ..settings import model_folder
from .datatypes import KINDS, of_dtype

CONTENT_TYPES = {"binary": "base64", "datetime": "datetime"}
"""MLServer's words for what BYTES hold, where it is not text."""


@dataclass(frozen=True)
class Outline:
    """The parts of a model's signature, as the protocol describes them."""

    inputs: tuple[dict[str, Any], ...]
    """name, datatype, shape (-1 is free) and, where BYTES hold no text, the content_type among the parameters."""
    outputs: tuple[dict[str, Any], ...]
    """The same; empty if the signature has none."""


def outline(mlmodel: Mapping[str, Any]) -> Outline:
    """Return the outline of a parsed MLmodel."""
    signature = mlmodel.get("signature") or {}
    return Outline(
        tuple(_described(signature.get("inputs"), "input")),
        tuple(_described(signature.get("outputs"), "output")),
    )


@lru_cache(maxsize=1)
def served() -> Outline:
    """Return the outline of the model that this process serves; read when it is first needed."""
    return outline(read_mlmodel(model_folder(os.environ)))


def version(environment: Mapping[str, str]) -> str:
    """Return the model's version: Azure ML mounts a registered model below a folder of that number; else 1."""
    last = Path(environment.get("AZUREML_MODEL_DIR", "")).name
    return last if last.isascii() and last.isdecimal() else "1"


def _described(text: str | None, prefix: str) -> list[dict[str, Any]]:
    found = []
    for number, entry in enumerate(json.loads(text or "[]")):
        datatype, shape, content = _tensor(entry)
        tensor: dict[str, Any] = {"name": entry.get("name") or f"{prefix}-{number}", "datatype": datatype}
        tensor["shape"] = shape
        if content:
            tensor["parameters"] = {"content_type": content}
        found.append(tensor)
    return found


def _tensor(entry: Mapping[str, Any]) -> tuple[str, list[int], str | None]:
    if entry["type"] == "tensor":
        spec = entry["tensor-spec"]
        return of_dtype(spec["dtype"]), list(spec["shape"]), None
    shape = [-1]
    while entry["type"] == "array":
        entry = entry["items"]
        shape.append(-1)
    if entry["type"] in KINDS:
        return KINDS[entry["type"]], shape, CONTENT_TYPES.get(entry["type"])
    # Objects, maps and values of any kind travel as JSON texts, whole columns of them.
    return "BYTES", [-1], "json"
