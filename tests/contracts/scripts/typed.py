"""A table of pandas', and what the standard types of Python are made from; driver.py is asked for this script's run."""

import datetime

import numpy as np
import pandas as pd
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

TABLE = PandasParameterType(pd.DataFrame({"a": [1.5], "b": ["x"]}), orient="split", enforce_shape=False)
RECORD = StandardPythonParameterType({"n": 2, "weights": NumpyParameterType(np.array([1], dtype="float32"))})
MOMENT = StandardPythonParameterType(datetime.datetime(2026, 1, 2, 3, 4, 5))
DATA = StandardPythonParameterType(b"bytes")
calls = []


def init():
    calls.append("typed")


@input_schema("table", TABLE)
@input_schema("record", RECORD, optional=True)
@input_schema("moment", MOMENT, optional=True)
@input_schema("data", DATA, optional=True)
@output_schema(StandardPythonParameterType({"calls": ["init"]}))
def run(table, record=None, moment=None, data=None, request_headers=None):
    weights = None if record is None else record["weights"]
    return {
        "calls": calls,
        "table": {"kind": table["a"].dtype.kind, "rows": table[["a", "b"]].to_numpy().tolist()},
        "weights": None if weights is None else [str(weights.dtype), *weights.tolist()],
        "moment": None if moment is None else moment.year,
        "data": None if data is None else data.decode(),
        "headers": {name: value for name, value in request_headers.items() if name.startswith("X-Mine")},
    }
