"""The model's signature, read from MLmodel without MLflow.

Format: mlflow.org, "Model Signature"; inputs, outputs and params are JSON texts inside the YAML.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Column:
    """A column of a table. `type` is MLflow's name: long, double, string, ..., or array, object, map, any."""

    name: str | None
    type: str
    required: bool


@dataclass(frozen=True)
class Tensor:
    """An array: numpy's name of the type and a shape, in which -1 is free."""

    name: str | None
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Signature:
    """What the model takes. Either columns or tensors or neither (no signature)."""

    columns: tuple[Column, ...] = ()
    tensors: tuple[Tensor, ...] = ()
    params: bool = False
    """Whether the model takes parameters with a request."""
    typed: bool = False
    """The signature comes from Python type hints: the model checks and converts the raw JSON value itself."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns or tensors that have one."""
        parts: tuple[Column | Tensor, ...] = (*self.columns, *self.tensors)
        return tuple(part.name for part in parts if part.name is not None)


def parse_signature(mlmodel: Mapping[str, Any]) -> Signature:
    """Return the signature of a parsed MLmodel."""
    signature = mlmodel.get("signature") or {}
    columns = []
    tensors = []
    for entry in json.loads(signature.get("inputs") or "[]"):
        if entry["type"] == "tensor":
            spec = entry["tensor-spec"]
            tensors.append(Tensor(entry.get("name"), spec["dtype"], tuple(spec["shape"])))
        else:
            columns.append(Column(entry.get("name"), entry["type"], entry.get("required", True) is not False))
    return Signature(
        columns=tuple(columns),
        tensors=tuple(tensors),
        params=bool(json.loads(signature.get("params") or "[]")),
        typed=bool(mlmodel.get("is_signature_from_type_hint")),
    )


def read_mlmodel(folder: Path) -> dict[str, Any]:
    """Return the model's MLmodel as a mapping."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = yaml.load((folder / "MLmodel").read_text(encoding="utf-8"), Loader=loader)
    if not isinstance(content, dict):
        raise ValueError(f"{folder / 'MLmodel'} is not a mapping.")
    return content
