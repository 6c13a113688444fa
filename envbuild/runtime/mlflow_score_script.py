"""The scoring script for an MLflow model under the Azure ML inference server.

It takes and gives what Azure ML's no-code deployment does: {"input_data": ..., "params": ...} to the bare prediction,
tables as lists of records, with a swagger.json of the model's signature and input example. Beyond it, a request
that does not fit the model is answered with 400 and the reason instead of 500.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

import pandas as pd
from azureml_inference_server_http.api.aml_response import AMLResponse
from envbuild_runtime.codec.call import Call, unwrapped
from envbuild_runtime.codec.plain import tree
from envbuild_runtime.codec.signature import read_mlmodel
from envbuild_runtime.errors import ClientError
from envbuild_runtime.front.schema import service_schemas
from envbuild_runtime.settings import model_config, model_folder
from envbuild_runtime.worker.model import Model
from inference_schema.parameter_types.abstract_parameter_type import AbstractParameterType
from inference_schema.schema_decorators import input_schema, output_schema

logger = logging.getLogger("azmlinfsrv.mlflow")

FOLDER = model_folder(os.environ)
SWAGGERS = ["2.0", "3.0", "3.1"]
"""The versions of swagger.json that describe the model, as inference_schema names them."""

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
    except Exception as error:
        logger.warning("Model data is not collected: %s", error)
        return
    for name in ("model_inputs", "model_outputs"):
        try:
            collectors[name] = Collector(name=name)
        except Exception as error:
            # Each may be switched on alone.
            logger.warning("%s is not collected: %s", name, error)


def collecting(environment: Mapping[str, str]) -> bool:
    """Tell whether Azure ML has switched data collection on for this deployment."""
    on = environment.get("AZUREML_MDC_ENABLED", "").strip().lower() == "true"
    return on or bool(environment.get("AZUREML_MDC_CONFIG_PATH"))


def predict(input_data: Any, params: dict[str, Any] | None = None) -> Any:
    """Answer one request."""
    assert model is not None, "init() has not been called"
    input_data, params = unwrapped(input_data, params, model.signature)
    try:
        data = model.decode(Call(input_data, label="input_data"))
        # What it returns lets Azure ML join what went in with what came out.
        context = _collect("model_inputs", data)
        result = model.predict(data, params)
    except ClientError as error:
        return AMLResponse({"message": error.message}, error.status, json_str=True)
    _collect("model_outputs", result, context)
    # The server writes NaN, which is no JSON, and can write no arrays or times: it is given what has neither.
    return tree(result)


def _collect(name: str, data: Any, context: Any = None) -> Any:
    """Return the context of what was collected; None if nothing was."""
    if name not in collectors:
        return None
    try:
        return collectors[name].collect(data if isinstance(data, pd.DataFrame) else pd.DataFrame(data), context)
    except Exception as error:
        logger.error("Error collecting %s: %s", name, error)
        return None


class Described(AbstractParameterType):  # type: ignore[misc]  # the base class has no types
    """A value as its JSON schema describes it in swagger.json.

    The types of inference_schema describe mixed columns in no Swagger 2.0, a model without params in an invalid one,
    and every param as required. Those that convert parse columns as dates by their name, truncate numbers and answer
    every misfit with 500; here `decode` converts.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        super().__init__(None)
        self._schema = dict(schema)

    def supported_versions(self) -> list[str]:
        """Return the versions that the schema is valid in: all."""
        return SWAGGERS

    def deserialize_input(self, input_data: Any) -> Any:
        """Return the value as it is."""
        return input_data

    def input_to_swagger(self) -> dict[str, Any]:
        """Return the schema."""
        return self._schema


UNKNOWN = {"type": "object", "example": {}}
"""What is said of a value that nothing is known of."""


def described() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return the schemas of `input_data` and `params`, each with an example, and of the answer."""
    try:
        # One schema serves all versions, so that it is one of the oldest. An example's NaN would be no JSON.
        taken, given = map(tree, service_schemas(read_mlmodel(FOLDER), FOLDER, "2"))
    except Exception as error:
        logger.warning("The model is not described in swagger.json: %s", error)
        return UNKNOWN, UNKNOWN, UNKNOWN
    example = taken.get("example", {})
    data, params = (
        {**taken["properties"].get(name, {"type": "object"}), "example": example.get(name, {})}
        for name in ("input_data", "params")
    )
    return data, params, given


DATA, PARAMS, ANSWER = map(Described, described())
run = input_schema("input_data", DATA, convert_to_provided_type=False)(
    input_schema("params", PARAMS, convert_to_provided_type=False, optional=True)(output_schema(ANSWER)(predict))
)
