"""The model's signature, read from MLmodel without MLflow.

Format: mlflow.org, "Model Signature"; inputs, outputs and params are JSON texts inside the YAML.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

PIPELINES = frozenset({"transformers", "hftransformersv2"})
"""The flavors of MLflow and of Azure ML whose models are pipelines of transformers."""


@dataclass(frozen=True)
class Column:
    """A column of a table. `type` is MLflow's name: long, double, string, ..., or array, object, map, any."""

    name: str | None
    type: str
    required: bool
    spec: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The whole entry of the signature: it says what nested types hold."""


@dataclass(frozen=True)
class Tensor:
    """An array: numpy's name of the type and a shape, in which -1 is free."""

    name: str | None
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Param:
    """A parameter that may come with a request. `type` as for columns, `listed` for a list of them."""

    name: str
    type: str
    default: Any = field(default=None, compare=False)
    """As JSON."""
    listed: bool = False
    spec: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Signature:
    """What the model takes. Either columns or tensors or neither (no signature)."""

    columns: tuple[Column, ...] = ()
    tensors: tuple[Tensor, ...] = ()
    params: tuple[Param, ...] = ()
    typed: bool = False
    """The signature comes from Python type hints: the model checks and converts the raw JSON value itself."""
    pipeline: bool = False
    """The model is a pipeline of transformers."""

    @cached_property
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
            required = entry.get("required", True) is not False
            columns.append(Column(entry.get("name"), entry["type"], required, entry))
    return Signature(
        columns=tuple(columns),
        tensors=tuple(tensors),
        params=tuple(map(_param, json.loads(signature.get("params") or "[]"))),
        typed=bool(mlmodel.get("is_signature_from_type_hint")),
        pipeline=not PIPELINES.isdisjoint(mlmodel.get("flavors") or ()),
    )


def _param(entry: Mapping[str, Any]) -> Param:
    # MLflow called the type `dtype` once.
    kind = entry.get("type") or entry.get("dtype") or "any"
    return Param(entry["name"], kind, entry.get("default"), entry.get("shape") is not None, entry)


def read_mlmodel(folder: Path) -> dict[str, Any]:
    """Return the model's MLmodel as a mapping."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = yaml.load((folder / "MLmodel").read_text(encoding="utf-8"), Loader=loader)
    if not isinstance(content, dict):
        raise ValueError(f"{folder / 'MLmodel'} is not a mapping.")
    return content
