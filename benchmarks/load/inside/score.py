"""A scoring script of the shape that Azure ML's example for MLflow models has: MLflow reads, predicts and writes."""

from __future__ import annotations

import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

from mlflow.pyfunc import load_model
from mlflow.pyfunc.scoring_server import infer_and_parse_data, predictions_to_json

model: Any = None
schema: Any = None


def init() -> None:
    """Load the model, once a worker."""
    global model, schema
    model = load_model(str(Path(os.environ["AZUREML_MODEL_DIR"], os.environ["MLFLOW_MODEL_FOLDER"])))
    schema = model.metadata.get_input_schema()


def run(raw_data: str) -> str:
    """Answer one request: `input_data` is a table of columns and data, or a tensor."""
    given = json.loads(raw_data)["input_data"]
    form = "dataframe_split" if isinstance(given, dict) and "columns" in given else "inputs"
    result = StringIO()
    predictions_to_json(model.predict(infer_and_parse_data({form: given}, schema)), result)
    return result.getvalue()
