"""A small model of real packages: it doubles the column `a`, and needs nothing but mlflow.

For 1010 it takes ten seconds.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
LOADER = """
import time


class Doubler:
    def predict(self, frame):
        if frame["a"].iloc[0] > 1000:
            time.sleep(frame["a"].iloc[0] - 1000)
        return (frame["a"] * 2).to_numpy()


def _load_pyfunc(path):
    {load}
"""


def write_model(folder: Path, *, broken: bool = False, load: str = "", mlflow: str = "3.17.2") -> Path:
    """The model, for the Python that runs the tests and a version of mlflow; `load` is what is done to load it.

    A broken one raises an error when it is loaded.
    """
    load = load or ('raise RuntimeError("the weights are gone")' if broken else "return Doubler()")
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "doubler.py").write_text(LOADER.replace("{load}", load))
    (folder / "MLmodel").write_text(
        "flavors:\n"
        "  python_function:\n"
        "    code: code\n"
        "    env: conda.yaml\n"
        "    loader_module: doubler\n"
        f"    python_version: {MINOR}.0\n"
        f"mlflow_version: {mlflow}\n"
        "model_uuid: 0123456789abcdef0123456789abcdef\n"
        "saved_input_example_info:\n"
        "  artifact_path: input_example.json\n"
        "  pandas_orient: split\n"
        "  serving_input_path: serving_input_example.json\n"
        "  type: dataframe\n"
        "signature:\n"
        '  inputs: \'[{"name": "a", "type": "double", "required": true}]\'\n'
        "utc_time_created: '2026-01-02 03:04:05.000000'\n"
    )
    table = {"columns": ["a"], "data": [[1.5], [-2.0]]}
    (folder / "input_example.json").write_text(json.dumps(table))
    (folder / "serving_input_example.json").write_text(json.dumps({"dataframe_split": table}))
    (folder / "conda.yaml").write_text(
        "name: mlflow-env\nchannels:\n- conda-forge\ndependencies:\n"
        f"- python={MINOR}\n- pip\n- pip:\n  - mlflow=={mlflow}\n"
    )
    return folder


def cache_folder(factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests of a run, of every process of it; ENVBUILD_TEST_CACHE names one for all runs."""
    named = os.environ.get("ENVBUILD_TEST_CACHE")
    base = factory.getbasetemp()
    return Path(named) if named else (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "doubling-cache"
