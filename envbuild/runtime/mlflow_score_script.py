"""The scoring script for an MLflow model under the Azure ML inference server.

It takes and gives what Azure ML's no-code deployment does: {"input_data": ..., "params": ...} to the bare prediction,
tables as lists of records, with a swagger.json typed by the model's input example or signature. Beyond it, a request
that does not fit the model is answered with 400 and the reason instead of 500.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from azureml_inference_server_http.api.aml_response import AMLResponse
from envbuild_runtime.codec.call import Call
from envbuild_runtime.codec.decode import decode
from envbuild_runtime.codec.plain import tree
from envbuild_runtime.codec.signature import parse_signature, read_mlmodel
from envbuild_runtime.errors import ClientError
from envbuild_runtime.settings import model_config, model_folder
from envbuild_runtime.worker.model import Model
from inference_schema.parameter_types.abstract_parameter_type import AbstractParameterType
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

logger = logging.getLogger("azmlinfsrv.mlflow")

FOLDER = model_folder(os.environ)
MLMODEL = read_mlmodel(FOLDER)
SIGNATURE = parse_signature(MLMODEL)
SAMPLES = {"boolean": True, "string": "sample string", "binary": "", "datetime": "2024-01-01T00:00:00"}
"""The cell of a sample table by type; numbers are 0."""

model: Model | None = None
collectors: dict[str, Any] = {}


def init() -> None:
    """Load the model, and the collectors if data collection is switched on."""
    global model
    model = Model(FOLDER, model_config(os.environ))
    if not collecting(os.environ):
        return
    try:
        from azureml.ai.monitoring import Collector

        collectors["inputs"] = Collector(name="model_inputs")
        collectors["outputs"] = Collector(name="model_outputs")
    except Exception as error:
        collectors.clear()
        logger.warning("Model data is not collected: %s", error)


def collecting(environment: Mapping[str, str]) -> bool:
    """Tell whether Azure ML has switched data collection on for this deployment."""
    on = environment.get("AZUREML_MDC_ENABLED", "").strip().lower() == "true"
    return on or bool(environment.get("AZUREML_MDC_CONFIG_PATH"))


def predict(input_data: Any, params: dict[str, Any] | None = None) -> Any:
    """Answer one request."""
    assert model is not None, "init() has not been called"
    while isinstance(input_data, dict) and set(input_data) == {"input_data"}:
        input_data = input_data["input_data"]
    try:
        data = model.decode(Call(input_data, label="input_data"))
        _collect("inputs", data)
        result = model.predict(data, params)
    except ClientError as error:
        return AMLResponse({"message": error.message}, error.status, json_str=True)
    _collect("outputs", result)
    # The server writes NaN, which is no JSON, and can write no arrays or times: it is given what has neither.
    return tree(result)


def _collect(name: str, data: Any) -> None:
    if name not in collectors:
        return
    try:
        collectors[name].collect(data if isinstance(data, pd.DataFrame) else pd.DataFrame(data))
    except Exception as error:
        logger.error("Error collecting model %s: %s", name, error)


class Untyped(AbstractParameterType):  # type: ignore[misc]  # the base class has no types
    """A value that swagger.json says nothing about."""

    def __init__(self) -> None:
        super().__init__({})

    def deserialize_input(self, input_data: Any) -> Any:
        """Return the value as it is."""
        return input_data

    def input_to_swagger(self) -> dict[str, Any]:
        """Return a schema that any object fits."""
        return {"type": "object", "example": {}}


def input_type() -> Any:
    """Return the type of `input_data` for swagger.json: from the input example, else from the signature."""
    for sample in (_example, _from_signature):
        try:
            value = sample()
            if value is not None:
                kind = _parameter_type(value)
                kind.input_to_swagger()
                return kind
        except Exception as error:
            logger.warning("No swagger from %s: %s", sample.__name__.strip("_"), error)
    return Untyped()


def _parameter_type(value: Any) -> Any:
    if isinstance(value, pd.DataFrame):
        return PandasParameterType(value, enforce_shape=False, orient="split")
    if isinstance(value, np.ndarray):
        return NumpyParameterType(value, enforce_shape=False)
    return StandardPythonParameterType({name: NumpyParameterType(part) for name, part in value.items()})


def _example() -> Any:
    info = MLMODEL.get("saved_input_example_info") or {}
    path = FOLDER / str(info.get("serving_input_path") or "serving_input_example.json")
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    form = "split" if "dataframe_split" in content else "any"
    value = decode(content.get("dataframe_split", content.get("inputs")), SIGNATURE, "the input example", form)
    return value[:5] if isinstance(value, (pd.DataFrame, np.ndarray)) else value


def _from_signature() -> Any:
    if SIGNATURE.tensors:
        # Every free dimension is 1: a sample of the right rank.
        samples = {
            part.name: np.zeros([1 if size == -1 else size for size in part.shape], dtype=part.dtype)
            for part in SIGNATURE.tensors
        }
        return samples if SIGNATURE.names else samples[None]
    if SIGNATURE.columns:
        names = [column.name or str(number) for number, column in enumerate(SIGNATURE.columns)]
        row = [SAMPLES.get(column.type, 0) for column in SIGNATURE.columns]
        return decode({"columns": names, "data": [row]}, SIGNATURE, "the sample", "split")
    return None


def _params_type() -> Any:
    specs = json.loads((MLMODEL.get("signature") or {}).get("params") or "[]")
    try:
        kind = StandardPythonParameterType({spec["name"]: spec.get("default") for spec in specs})
        kind.input_to_swagger()
        return kind
    except Exception as error:
        logger.warning("No swagger for params: %s", error)
        return Untyped()


# The types describe the values in swagger.json. Converting is left to `decode`, since the types of inference_schema
# parse columns as dates by their name, truncate numbers and answer every misfit with 500.
run = input_schema("input_data", input_type(), convert_to_provided_type=False)(
    input_schema("params", _params_type(), convert_to_provided_type=False, optional=True)(
        output_schema(Untyped())(predict)
    )
)
