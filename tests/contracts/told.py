"""A small model for containers that answers in the way that its request names, and how others are laid into its image.

It is written here as MLflow would save it, and needs nothing but mlflow and, for Parquet, pyarrow. The folder of
another model is mounted over it: AZUREML_MODEL_DIR and MLFLOW_MODEL_FOLDER say where a server finds its model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LOADER = """
import time

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos import databricks_pb2


class Told:
    def predict(self, data, params=None):
        what, _, more = (params or {}).get("what", "").partition(" ")
        if what == "raise":
            raise KeyError("s3cr3t")
        if what == "code":
            raise MlflowException("s3cr3t", error_code=getattr(databricks_pb2, more))
        if what == "sleep":
            time.sleep(float(more))
        return ANSWERS[what](data)


ANSWERS = {
    "": lambda data: (data["a"] * data["b"]).tolist(),
    "sleep": lambda data: "awake",
    "types": lambda data: {name: str(kind) for name, kind in data.dtypes.items()},
    "table": lambda data: data,
    "frame": lambda data: pd.DataFrame({"y": data["a"] * data["b"], "s": "fine"}),
    "series": lambda data: data["a"] * 2,
    "named": lambda data: pd.Series([1.5, 2.5], name="y"),
    "array": lambda data: data[["a", "b"]].to_numpy(),
    "arrays": lambda data: {"y": data["a"].to_numpy(), "label": np.array(["p", "q"])},
    "number": lambda data: np.float32(0.5),
    "text": lambda data: "fine",
    "nothing": lambda data: None,
    "times": lambda data: pd.DataFrame({"t": pd.to_datetime(["2024-05-01", None])}),
    "nan": lambda data: [float("nan"), np.float64("inf"), 1.0],
    "nan-array": lambda data: np.array([[np.nan, 1.0], [-np.inf, 2.0]]),
    "nan-frame": lambda data: pd.DataFrame({"y": [np.nan, 2.0], "s": [None, "fine"]}),
    "object": lambda data: object(),
}


def _load_pyfunc(path):
    return Told()
"""
COLUMNS = [
    {"type": "double", "name": "a", "required": True},
    {"type": "long", "name": "b", "required": True},
    {"type": "string", "name": "s", "required": False},
]
WHAT = [{"name": "what", "type": "string", "default": "", "shape": None}]
TABLE = {"columns": ["a", "b"], "data": [[1.5, 2], [-1.0, 3]]}
PRODUCTS = [3.0, -3.0]
"""What the model answers to TABLE where nothing else is asked for."""


def azure(what: str) -> dict[str, Any]:
    """The body for /score that asks for something."""
    return {"input_data": TABLE, "params": {"what": what}}


def mlflow(what: str) -> dict[str, Any]:
    """The body for /invocations."""
    return {"dataframe_split": TABLE, "params": {"what": what}}


def write_told(folder: Path) -> Path:
    """The model that answers as it is told: a table of COLUMNS, and the param `what`."""
    write(folder, LOADER, {"inputs": COLUMNS, "params": WHAT})
    (folder / "conda.yaml").write_text(
        "name: mlflow-env\nchannels:\n- conda-forge\ndependencies:\n"
        "- python=3.11\n- pip\n- pip:\n  - mlflow==3.17.2\n  - pandas==3.1.1\n  - numpy==2.4.6\n  - pyarrow\n"
    )
    return folder


def write(folder: Path, loader: str, signature: dict[str, Any], **members: Any) -> Path:
    """A model of a loader module; `members` are further ones of MLmodel."""
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "told.py").write_text(loader)
    flavor = {"loader_module": "told", "code": "code", "env": "conda.yaml", "python_version": "3.11.7"}
    content = {
        "flavors": {"python_function": flavor},
        "mlflow_version": "3.17.2",
        "model_uuid": "0123456789abcdef0123456789abcdef",
        "signature": {part: json.dumps(value) for part, value in signature.items()},
        "utc_time_created": "2026-01-02 03:04:05.000000",
        **members,
    }
    (folder / "MLmodel").write_text(json.dumps(content))
    return folder


def mounted(folder: Path) -> tuple[str, ...]:
    """The engine's options that have an image serve the model of another folder."""
    # The container's user is nobody here.
    folder.chmod(0o755)
    variables = ("--env", "AZUREML_MODEL_DIR=/other", "--env", "MLFLOW_MODEL_FOLDER=model")
    return ("--volume", f"{folder}:/other/model:ro", *variables)
