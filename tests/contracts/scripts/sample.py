"""An MLflow model in a script of one's own, in the steps of Azure ML's documentation."""

import io
import json
import os
from pathlib import Path

import mlflow.pyfunc
from mlflow.pyfunc.scoring_server import infer_and_parse_data, predictions_to_json

loaded = {}


def init():
    # The documentation names the folder in the text; the variable has the name that the image gives it.
    assert os.environ["MLFLOW_MODEL_FOLDER"] == "model"
    loaded["model"] = mlflow.pyfunc.load_model(str(Path(os.environ["AZUREML_MODEL_DIR"]) / "model"))
    loaded["schema"] = loaded["model"].metadata.get_input_schema()


def run(raw_data):
    request = json.loads(raw_data)
    if "input_data" not in request:
        raise ValueError("there is no top level key input_data")
    table = infer_and_parse_data({"dataframe_split": request["input_data"]}, loaded["schema"])
    text = io.StringIO()
    predictions_to_json(loaded["model"].predict(table, params=request.get("params")), text)
    # A text that is JSON, within the JSON of the answer.
    return text.getvalue()
