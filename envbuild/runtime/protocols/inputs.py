"""The tensors of an Open Inference request, arranged as the model takes them.

Tables: a tensor for each column, or one of two dimensions whose columns are in the signature's order. Arrays: by name,
or one of any name where the signature has one without. No signature: one tensor is an array, several are named arrays;
with the content_type `pd` both are a DataFrame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..codec.lists import objects, texts
from ..codec.signature import Column, Signature, Tensor
from ..codec.tensors import to_tensor
from ..errors import InputError
from .datatypes import DTYPES, checked, flat, from_base64, from_json
from .outline import Outline

NESTED = ("array", "object", "map", "any")
"""MLflow's types of columns whose cells are lists or objects."""
JSON = ("json", "pd_json")


@dataclass(frozen=True)
class Given:
    """A tensor of a request."""

    name: str
    datatype: str
    shape: list[int]
    values: list[Any]
    """The elements in row-major order, each of the datatype."""
    content: str | None
    """MLServer's content_type: what BYTES hold."""

    @property
    def label(self) -> str:
        """Its name for messages."""
        return f"input {self.name!r}"

    @property
    def rows(self) -> int:
        """The size of the first dimension."""
        return self.shape[0] if self.shape else 1


def given(name: str, datatype: str, shape: list[int], data: Any, content: Any) -> Given:
    """Return a tensor whose values are checked. InputError if they do not agree with shape and datatype."""
    label = f"input {name!r}"
    values = checked(flat(data, shape, label), datatype, shape, label)
    return Given(name, datatype, shape, values, content if isinstance(content, str) else None)


def arranged(inputs: list[Given], signature: Signature, outline: Outline, content: Any) -> tuple[Any, str]:
    """Return payload and form of a call. `content` is the content_type of the whole request."""
    names = [tensor["name"] for tensor in outline.inputs]
    if signature.typed:
        return _typed(inputs, signature), "raw"
    if signature.tensors:
        found = _matched(inputs, names, bool(signature.names))
        arrays = {
            tensor.name: to_tensor(_array(one), tensor, one.label)
            for tensor, one in zip(signature.tensors, found)  # noqa: B905 (Python 3.9)
        }
        return arrays if signature.names else next(iter(arrays.values())), "raw"
    if signature.columns:
        return _table(inputs, signature, names)
    return _unsigned(inputs, content), "raw"


def _table(inputs: list[Given], signature: Signature, names: list[str]) -> tuple[Any, str]:
    first = inputs[0]
    nested = len(signature.columns) == 1 and signature.columns[0].type in NESTED
    by_order = not signature.names or first.name not in names
    if by_order and len(inputs) == 1 and len(first.shape) == 2 and not nested:
        return {"data": _nested(first.values, first.shape)}, "split"
    if not signature.names:
        found = _matched(inputs, names, named=False)
        _check_rows(found)
        columns = [
            _cells(one, column)
            for one, column in zip(found, signature.columns)  # noqa: B905 (Python 3.9)
        ]
        return {"data": [list(row) for row in zip(*columns)]}, "split"  # noqa: B905
    known = {column.name: column for column in signature.columns if column.name is not None}
    for one in inputs:
        if one.name not in known:
            raise InputError(f"{one.label}: the model has no such input; it has {_list(names)}")
    _check_rows(inputs)
    return {one.name: _cells(one, known[one.name]) for one in inputs}, "any"


def _cells(one: Given, column: Column) -> list[Any]:
    """Return the cells of a column."""
    if column.type in NESTED:
        if len(one.shape) > 1 and column.type in ("array", "any") and one.content not in JSON:
            return list(_nested(one.values, one.shape))
        if one.datatype == "BYTES" and (column.type != "any" or one.content in JSON):
            return from_json(_column(one), one.shape, one.label)
    values = _column(one)
    if one.content == "base64" and column.type == "string":
        return _texts(one, values)
    return values


def _check_rows(inputs: Sequence[Given]) -> None:
    first = inputs[0]
    for one in inputs:
        if one.rows != first.rows:
            raise InputError(f"{one.label} has {one.rows} rows, {first.label} has {first.rows}")


def _column(one: Given) -> list[Any]:
    """Return the elements of a tensor that is a column."""
    _check_column(one)
    return one.values


def _check_column(one: Given) -> None:
    if len(one.shape) not in (1, 2) or (len(one.shape) == 2 and one.shape[1] != 1):
        raise InputError(f"{one.label}: the shape is {one.shape}, a column has [n] or [n, 1]")


def _matched(inputs: list[Given], names: Sequence[str], named: bool) -> list[Given]:
    """Return the inputs in the signature's order; a single input without a name in the signature may have any."""
    if not named and len(inputs) == len(names) == 1:
        return inputs
    by_name = {one.name: one for one in inputs}
    for one in inputs:
        if one.name not in names:
            raise InputError(f"{one.label}: the model has no such input; it has {_list(names)}")
    missing = [name for name in names if name not in by_name]
    if missing:
        raise InputError(f"missing input {_list(missing)}; the model has {_list(names)}")
    return [by_name[name] for name in names]


def _typed(inputs: list[Given], signature: Signature) -> Any:
    """Return the plain values for a model that checks them itself by Python's type hints."""
    if len(inputs) > 1:
        raise InputError(f"{len(inputs)} inputs, the model takes one")
    one = inputs[0]
    column = signature.columns[0] if signature.columns else None
    if column is not None and len(one.shape) in (1, 2):
        return _cells(one, column)
    return _nested(one.values, one.shape)


def _unsigned(inputs: list[Given], content: Any) -> Any:
    arrays = {one.name: _array(one) for one in inputs}
    if "pd" not in (content, inputs[0].content):
        return arrays if len(arrays) > 1 else next(iter(arrays.values()))
    import pandas as pd

    if len(inputs) == 1 and len(inputs[0].shape) == 2:
        return pd.DataFrame(arrays[inputs[0].name])
    for one in inputs:
        _check_column(one)
    _check_rows(inputs)
    return pd.DataFrame({name: array.reshape(-1) for name, array in arrays.items()})


def _array(one: Given) -> Any:
    if one.datatype != "BYTES":
        return np.array(one.values, dtype=DTYPES[one.datatype]).reshape(one.shape)
    if one.content == "datetime":
        moments = Tensor(one.name, "datetime64[ns]", tuple(one.shape))
        return to_tensor(objects(one.values).reshape(one.shape), moments, one.label)
    if one.content == "base64":
        return objects(from_base64(one.values, one.shape, one.label)).reshape(one.shape)
    if None in one.values or not one.values:
        return objects(one.values).reshape(one.shape)
    return texts(one.values, one.shape)


def _texts(one: Given, values: list[Any]) -> list[Any]:
    try:
        parts = from_base64(values, one.shape, one.label)
        return [None if part is None else part.decode("utf-8") for part in parts]
    except UnicodeDecodeError:
        raise InputError(f"{one.label}: the bytes are not text in UTF-8, which the model takes") from None


def _nested(values: list[Any], shape: Sequence[int]) -> list[Any]:
    """Return the elements as nested lists."""
    for size in reversed(shape[1:]):
        count = len(values) // size if size else math.prod(shape[:-1])
        values = [values[part * size : (part + 1) * size] for part in range(count)]
    return values


def _list(names: Sequence[str]) -> str:
    shown = [repr(name) for name in names[:20]]
    return ", ".join(shown) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
