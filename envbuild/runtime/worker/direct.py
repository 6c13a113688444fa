"""Ask a model without what MLflow's `predict` does a second time.

`PyFuncModel.predict` checks the input against the signature and builds a new DataFrame from it, which takes longer
than most models do. `codec.decode.build` has made exactly that DataFrame. Where anything about the model, its input or
MLflow is not known here, MLflow's own `predict` is asked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pandas as pd

from ..codec.scalars import WANTED
from ..codec.signature import Signature

STEPS = frozenset(
    {
        "_try_get_prediction_context",
        "Context",
        "set_prediction_context",
        "_get_dependencies_schema_from_model",
        "_model_meta",
        "update",
        "model_id",
        "_predict",
        "metadata",
        "get_input_schema",
        "input_schema",
        "get_params_schema",
        "params_schema",
        "_is_signature_from_type_hint",
        "_enforce_params_schema",
        "_validate_prediction_input",
        "loader_module",
        "isinstance",
        "pandas",
        "DataFrame",
        "_is_type_hint_from_example",
        "input_example",
        "_convert_dataframe_to_example_format",
        "inspect",
        "signature",
        "_predict_fn",
        "parameters",
        "get",
        "kind",
        "Parameter",
        "VAR_KEYWORD",
        "_log_warning_if_params_not_in_predict_signature",
        "_logger",
    }
)
"""What `predict` and `_predict` of MLflow 2.20 to 3 call: the check of the input, and a context for traces."""


class UnknownError(Exception):
    """The shortcut is not safe for this model."""


def direct(
    model: Any, signature: Signature, mlmodel: Mapping[str, Any]
) -> Callable[[Any, Mapping[str, Any]], Any] | None:
    """Return what answers (input, given parameters) as `model.predict` does, or None unless that is certain."""
    try:
        _check_mlflow(model)
        _check_model(model, signature, mlmodel)
        return _shortcut(model)
    except Exception:  # whatever an older or newer MLflow lacks or changes
        return None


def fits(data: Any, signature: Signature) -> bool:
    """Tell whether the input is what `codec.decode.build` makes for the signature, so that MLflow would not change it.

    A DataFrame is: nothing else makes one. Arrays may come from elsewhere, and are compared.
    """
    if signature.columns:
        return type(data) is pd.DataFrame and data.shape[1] > 0
    if not signature.names:
        return _same(data, signature.tensors[0].dtype, signature.tensors[0].shape)
    return (
        type(data) is dict
        and tuple(data) == signature.names
        and all(_same(data[tensor.name], tensor.dtype, tensor.shape) for tensor in signature.tensors)
    )


def _same(array: Any, dtype: str, shape: tuple[int, ...]) -> bool:
    if type(array) is not np.ndarray or len(array.shape) != len(shape) or array.dtype.kind in "USO":
        return False
    sizes = zip(shape, array.shape)  # noqa: B905 (Python 3.9; the lengths are equal)
    return bool(array.dtype == np.dtype(dtype)) and all(want in (-1, have) for want, have in sizes)


def _check_mlflow(model: Any) -> None:
    from mlflow.pyfunc import PyFuncModel

    if type(model) is not PyFuncModel:
        raise UnknownError("another class of model")
    for function in (PyFuncModel.predict, PyFuncModel._predict):
        # Another version, or something wrapped around it, would use other names.
        if not STEPS.issuperset(function.__code__.co_names) or function.__code__.co_freevars:
            raise UnknownError(function.__qualname__)


def _check_model(model: Any, signature: Signature, mlmodel: Mapping[str, Any]) -> None:
    typed = signature.typed or mlmodel.get("type_hint_from_example")
    scalar = signature.columns and all(column.type in WANTED for column in signature.columns)
    if typed or not (scalar or signature.tensors):
        raise UnknownError("MLflow converts the input itself")
    if "dependencies_schemas" in (model.metadata.metadata or {}):
        raise UnknownError("traces name the model's sources")


def _shortcut(model: Any) -> Callable[[Any, Mapping[str, Any]], Any]:
    predict = model._predict_fn
    schema = model.metadata.get_params_schema()
    defaults = {} if schema is None else {param.name: param.default for param in schema.params}
    argument = inspect.signature(predict).parameters.get("params")
    takes = argument is not None and argument.kind is not inspect.Parameter.VAR_KEYWORD
    # MLflow gives None where the model has no parameters and the request neither.
    empty = None if schema is None else defaults
    around = _context(model)

    def ask(data: Any, params: Mapping[str, Any]) -> Any:
        with around():
            if takes:
                return predict(data, params={**defaults, **params} if empty is not None else None)
            return predict(data)

    return ask


def _context(model: Any) -> Callable[[], AbstractContextManager[Any]]:
    """Return what MLflow puts around a prediction, so that traces made in it belong to the model."""
    from mlflow.pyfunc.context import Context, set_prediction_context

    # MLflow 2 has no name for it.
    names = {"model_id": model.model_id} if hasattr(model, "model_id") else {}
    return lambda: set_prediction_context(Context(**names))
