"""The model itself: loaded with MLflow, asked with values from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .process import imports

with imports():
    import mlflow.pyfunc
    from mlflow.exceptions import MlflowException

    from .decode import decode
    from .errors import ClientError
    from .signature import parse_signature, read_mlmodel


class Model:
    """A model in memory."""

    def __init__(self, folder: Path, config: Mapping[str, Any] | None = None) -> None:
        """Load the model of a folder; whatever its loader raises is raised."""
        self.mlmodel = read_mlmodel(folder)
        self.signature = parse_signature(self.mlmodel)
        # The image's environment was resolved from the model's requirements: comparing them again costs start-up.
        self._model = mlflow.pyfunc.load_model(
            str(folder), suppress_warnings=True, model_config=dict(config) if config else None
        )

    def predict(self, payload: Any, params: Mapping[str, Any] | None, *, label: str, form: str = "any") -> Any:
        """Return the model's answer to a value from JSON. ClientError if the value does not fit the signature."""
        data = self.decode(payload, label=label, form=form)
        return self.predict_decoded(data, params)

    def decode(self, payload: Any, *, label: str, form: str = "any") -> Any:
        """Return the model's input for a value from JSON, as `decode.decode`."""
        return decode(payload, self.signature, label, form)

    def predict_decoded(self, data: Any, params: Mapping[str, Any] | None) -> Any:
        """Return the model's answer to a decoded input. ClientError if MLflow finds that it does not fit."""
        if params is not None and not isinstance(params, Mapping):
            raise ClientError("'params' has to be an object")
        try:
            if params and self.signature.params:
                return self._model.predict(data, params=dict(params))
            return self._model.predict(data)
        except MlflowException as error:
            problem: Any = error
            if problem.get_http_status_code() != 400:
                raise
            text = str(problem.message)
            raise ClientError(text if len(text) <= 1000 else text[:997] + "...") from error
