"""A script without decorators: each text that it is asked makes it answer in another way."""

import datetime
import json
import logging
import os
import time
from pathlib import Path

import below
import beside
import numpy
import pandas
from azureml.contrib.services.aml_response import AMLResponse as Older
from azureml_inference_server_http.api.aml_response import AMLResponse

RICH = {
    "an array": numpy.array([[1, 2]]),
    "a table": pandas.DataFrame({"a": [1.5]}),
    "a moment": datetime.datetime(2026, 1, 2, 3, 4, 5),
    "nan": float("nan"),
}


def init():
    global loaded
    loaded = json.loads(Path("words.json").read_text())
    print("init", "prints")
    logging.getLogger("mine").warning("init logs")


def run(raw, request_headers):
    asked = raw.strip()
    if asked == "nothing":
        return None
    if asked == "raise":
        raise ValueError("s3cr3t")
    if asked == "sleep":
        time.sleep(20)
    if asked == "teapot":
        return Older("short", 418, {"x-mine": "a", "x-request-id": "the script's"}, json_str=False)
    if asked == "unavailable":
        return AMLResponse({"why": "later"}, 503, json_str=True)
    if asked == "where":
        folder = Path(os.environ["AZUREML_MODEL_DIR"], os.environ["MLFLOW_MODEL_FOLDER"])
        model = [path.name for path in folder.iterdir()]
        return {"words": loaded, "modules": [beside.NAME, below.NAME], "model": model}
    if asked in RICH:
        return RICH[asked]
    mine = {name: value for name, value in request_headers.items() if "Mine" in name}
    return {"type": type(raw).__name__, "raw": raw, "mine": mine}
