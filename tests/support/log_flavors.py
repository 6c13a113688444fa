"""Logs one small model for each flavor that imports here; writes their folders to made.json, flavor by flavor."""

import importlib
import json
import sys
import traceback
import warnings
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
out = Path(sys.argv[1]).resolve()
mlflow.set_tracking_uri(f"sqlite:///{out / 'runs.db'}")
X = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0] * 8, "b": [1.0, 0.0, 1.0, 0.0] * 8})
y = pd.Series([0.0, 1.0, 2.0, 3.0] * 8)


def sklearn():
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(X, y), {}


def xgboost():
    from xgboost import XGBRegressor

    return XGBRegressor(n_estimators=2).fit(X, y), {}


def lightgbm():
    from lightgbm import LGBMRegressor

    return LGBMRegressor(n_estimators=2).fit(X, y), {}


def catboost():
    from catboost import CatBoostRegressor

    return CatBoostRegressor(iterations=2, verbose=False, allow_writing_files=False).fit(X, y), {}


def statsmodels():
    import statsmodels.api as sm

    return sm.OLS(y, X).fit(), {}


def prophet():
    from prophet import Prophet

    table = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=32), "y": y})
    return Prophet().fit(table), {"input_example": None}


def pmdarima():
    import pmdarima

    return pmdarima.ARIMA(order=(1, 0, 0)).fit(y), {"input_example": None}


def onnx():
    from skl2onnx import to_onnx
    from sklearn.linear_model import LinearRegression

    return to_onnx(LinearRegression().fit(X, y), X.to_numpy(dtype=np.float32)), {
        "input_example": X.head(2).to_numpy(dtype=np.float32)
    }


def pyfunc():
    class Twice(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input * 2

    return None, {"python_model": Twice()}


def spacy():
    import spacy

    nlp = spacy.blank("en")
    labels = nlp.add_pipe("textcat")
    labels.add_label("x")
    labels.add_label("y")
    nlp.initialize()
    return nlp, {"input_example": None}


def pytorch():
    import torch

    return torch.nn.Linear(2, 1), {"input_example": X.head(2).to_numpy(dtype=np.float32)}


made = {}
for make in (sklearn, xgboost, lightgbm, catboost, statsmodels, prophet, pmdarima, onnx, pyfunc, spacy, pytorch):
    name = make.__name__
    try:
        value, options = make()
    except ImportError as error:
        made[name] = {"absent": str(error)}
        continue
    except Exception:
        made[name] = {"failed": traceback.format_exc()[-1500:]}
        continue
    options = {"input_example": X.head(2), **options}
    flavor = importlib.import_module("mlflow." + name)
    try:
        info = flavor.log_model(*([value] if value is not None else []), name=name, **options)
        made[name] = {"folder": mlflow.artifacts.download_artifacts(info.model_uri, dst_path=str(out / name))}
    except Exception:
        made[name] = {"failed": traceback.format_exc()[-1500:]}
(out / "made.json").write_text(json.dumps(made))
