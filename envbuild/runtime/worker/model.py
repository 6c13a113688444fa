"""The model itself: loaded with MLflow, asked with what a protocol found in a request."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..process import imports

with imports():
    import mlflow.pyfunc
    from mlflow.exceptions import MlflowException

    from ..codec.call import Call
    from ..codec.decode import build, read
    from ..codec.params import read_params
    from ..codec.signature import parse_signature, read_mlmodel
    from ..errors import InputError, StartError
    from .chat import check_messages, is_chat_model
    from .direct import direct, fits

logger = logging.getLogger("envbuild_runtime")

REFUSED = "The model refuses the input: it does not fit the model's signature."


class Model:
    """A model in memory."""

    def __init__(self, folder: Path, config: Mapping[str, Any] | None = None) -> None:
        """Load the model of a folder; whatever its loader raises is raised. StartError if MLflow takes no `config`."""
        self.mlmodel = read_mlmodel(folder)
        self.signature = parse_signature(self.mlmodel)
        # The image's environment was resolved from the model's requirements: comparing them again costs start-up.
        self._model = mlflow.pyfunc.load_model(str(folder), suppress_warnings=True, **_configured(config))
        self._direct = direct(self._model, self.signature, self.mlmodel)
        self._is_chat = is_chat_model(self._model)

    def read(self, call: Call) -> Any:
        """Return the value of a call as `codec.decode.read` does. ClientError if it has not the form that it says."""
        return read(call.payload, self.signature, call.label, call.form)

    def build(self, content: Any, label: str) -> Any:
        """Return the model's input for what `read` gave. ClientError if it does not fit the signature."""
        return build(content, self.signature, label)

    def decode(self, call: Call) -> Any:
        """Return the model's input for a call."""
        return self.build(self.read(call), call.label)

    def predict(self, data: Any, params: Any) -> Any:
        """Return the model's answer to a decoded input, with the request's parameters as they came.

        ClientError if the parameters do not fit, InputError if MLflow finds that the input does not.
        """
        given = read_params(params, self.signature.params)
        if self._is_chat:
            check_messages(data)
        try:
            if self._direct is not None and fits(data, self.signature):
                return self._direct(data, given)
            if given:
                return self._model.predict(data, params=given)
            return self._model.predict(data)
        except MlflowException as error:
            problem: Any = error
            if problem.get_http_status_code() != 400:
                raise
            # Its text repeats the input and the schema: it is for the log, the caller gets one without data.
            logger.info("MLflow refuses the input: %s", problem.message)
            raise InputError(REFUSED) from error


def _configured(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what load_model is told of a configuration. MLflow before 2.8 does not even know the argument."""
    if not config:
        return {}
    if "model_config" not in inspect.signature(mlflow.pyfunc.load_model).parameters:
        raise StartError(
            f"SERVING_MODEL_CONFIG is set, and mlflow {mlflow.__version__} gives models no configuration: 2.8 is the "
            "first that does. Unset it, or log the model with a newer mlflow."
        )
    return {"model_config": dict(config)}
