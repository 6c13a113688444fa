"""The parameters of a request, checked against the signature's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import ClientError, InputError
from .nested import cast_nested
from .scalars import SCALARS, WANTED, MisfitError, kind_of
from .signature import Param
from .times import day_or_time


def read_params(given: Any, params: Sequence[Param]) -> dict[str, Any]:
    """Return the parameters that a request gives and the model knows, each as its type; defaults are not added.

    null is no parameters. ClientError if they are no object, InputError if one is not of its type.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ClientError(f"'params' has to be an object, got {kind_of(given)}")
    return {param.name: _read(given[param.name], param) for param in params if param.name in given}


def _read(value: Any, param: Param) -> Any:
    try:
        if not param.listed:
            return _one(value, param)
        if not isinstance(value, list):
            raise MisfitError(kind_of(value), f"a list ({param.type})")
        items = []
        for number, item in enumerate(value):
            try:
                items.append(_one(item, param))
            except MisfitError as problem:
                raise problem.inside(f"[{number}]") from None
        return items
    except MisfitError as problem:
        wanted = problem.wanted or f"{WANTED[param.type]} ({param.type})"
        raise InputError(f"param {param.name!r}{problem.path}: expected {wanted}, got {problem.got}") from None


def _one(value: Any, param: Param) -> Any:
    if value is None:
        return None  # as MLflow: the model is told that there is no value
    if param.type == "datetime":
        return day_or_time(value)
    if param.type in SCALARS:
        return SCALARS[param.type](value)
    cast_nested(value, param.spec)
    # MLflow gives the model the object as it came: numpy's types are for columns.
    return value
