"""`python models.py FOLDER`: make the models that are served, each with its questions and its own answer.

Runs in the servers' environment. For each model a folder with `1/model`, `invocations.json` (MLflow's body),
`score.json` (Azure ML's) and `answer.json`, the list that the model itself predicts.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import Schema, TensorSpec
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression

COLUMNS = [f"x{number}" for number in range(10)]
ROWS = 3
# Azure ML's server knows a model by the number of its folder.
VERSION = "1"
SHAPE = (1, 224, 224, 3)
# Of a forest, which skops asks to be told of.
TRUSTED = ["sklearn.tree._tree.Tree"]
# Written down, for what a folder needs is no question here: nothing is installed from it.
REQUIREMENTS = ["mlflow-skinny", "scikit-learn", "skops", "cloudpickle"]


class Mean(mlflow.pyfunc.PythonModel):
    """Answers the mean of each image of a batch."""

    # Without hints of types, which MLflow would take for the model's schema.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Means as doubles, shape (n,)."""
        return model_input.mean(axis=(1, 2, 3), dtype="float64")


def main(folder: Path) -> None:
    """Make all of them."""
    random = np.random.default_rng(7)
    table = pd.DataFrame(random.normal(size=(500, len(COLUMNS))), columns=COLUMNS)
    target = table.to_numpy() @ np.arange(1.0, len(COLUMNS) + 1) + random.normal(size=len(table))
    asked = table.head(ROWS)
    for name, model in (
        ("linear", LinearRegression()),
        ("forest", RandomForestRegressor(n_estimators=50, random_state=7)),
    ):
        model.fit(table, target)
        path = folder / name / VERSION / "model"
        signature = infer_signature(table, model.predict(table))
        mlflow.sklearn.save_model(
            model, str(path), signature=signature, pip_requirements=REQUIREMENTS, skops_trusted_types=TRUSTED
        )
        split = asked.to_dict(orient="split")
        _write(folder / name, asked, {"dataframe_split": {"columns": split["columns"], "data": split["data"]}}, split)
    path = folder / "tensor" / VERSION / "model"
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype("float32"), (-1, *SHAPE[1:]))]),
        outputs=Schema([TensorSpec(np.dtype("float64"), (-1,))]),
    )
    mlflow.pyfunc.save_model(str(path), python_model=Mean(), signature=signature, pip_requirements=REQUIREMENTS)
    # Pixels as a client sends them: a share of 255, to four digits.
    image = np.round(random.integers(0, 256, size=SHAPE) / 255, 4)
    _write(folder / "tensor", image.astype("float32"), {"inputs": image.tolist()}, image.tolist())


def _write(folder: Path, asked: Any, invocations: Any, score: Any) -> None:
    answer = mlflow.pyfunc.load_model(str(folder / VERSION / "model")).predict(asked)
    for name, content in (
        ("invocations", invocations),
        ("score", {"input_data": score}),
        ("answer", np.asarray(answer).tolist()),
    ):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
