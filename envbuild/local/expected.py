"""Run by the Python of the environment or of the container, as `python -c`: what the model itself answers.

It finds the model as the server does, loads it by mlflow.pyfunc, predicts on the model's input example and writes one
line: MARK and a JSON object with `source` (what the example is made from), `request` (a body for /invocations),
`predictions`, `tolerance`, `repeatable`, `columns` (name, type and required of each named column), `tensor` (the dtype
of the only, unnamed tensor), `script` (whether a scoring script of one's own is served), `why` there is no request, or
`error`.
"""

from __future__ import annotations

import base64
import datetime
import json
import math
import os
import sys
import traceback
from pathlib import Path
from typing import Any

MARK = "envbuild-expected:"
DEFAULT_SCRIPT = "mlflow_score_script.py"
KINDS = {"boolean", "integer", "long", "float", "double", "string", "binary", "datetime"}
DTYPES = {"double": "float64", "float": "float32", "long": "int64", "integer": "int32"}
SAMPLES = {"boolean": True, "string": "", "binary": "", "datetime": "2024-01-01T00:00:00"}


def model_folder() -> str:
    """The folder that holds MLmodel, by the server's own rule."""
    base = os.environ.get("AZUREML_MODEL_DIR")
    tried = [Path(base, os.environ.get("MLFLOW_MODEL_FOLDER") or "model"), Path(base)] if base else []
    for folder in [*tried, Path("/opt/ml/model")]:
        if (folder / "MLmodel").is_file():
            return str(folder)
    raise LookupError(f"there is no MLmodel in {', '.join(map(str, tried))} and /opt/ml/model")


def read(folder: str, name: str) -> Any:
    """A JSON file of the model; None where it cannot be read."""
    try:
        return json.loads(Path(folder, name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def plain(value: Any) -> Any:
    """The value as JSON has it: tables as records, what is no number as null."""
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return [{str(key): plain(cell) for key, cell in row.items()} for row in value.to_dict("records")]
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if hasattr(value, "todense"):
        value = value.todense()
    if isinstance(value, (datetime.datetime, datetime.date)):
        return None if value != value else value.isoformat()
    if isinstance(value, (list, tuple, set)):
        return [plain(part) for part in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if hasattr(value, "dtype") and getattr(value, "dtype", None) is not None and value.dtype.kind in "mM":
        values = value.astype("datetime64[us]").tolist() if value.dtype.kind == "M" else value.tolist()
        return plain(values)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return None if value != value else str(value)


def coarsest(value: Any) -> float:
    """The relative exactness of the least exact numbers inside."""
    if hasattr(value, "dtypes") and hasattr(value, "columns"):
        kinds = [str(kind) for kind in value.dtypes]
    elif isinstance(value, dict):
        return max([coarsest(part) for part in value.values()], default=1e-9)
    elif isinstance(value, (list, tuple)):
        return max([coarsest(part) for part in value[:1000]], default=1e-9)
    else:
        kinds = [str(getattr(value, "dtype", ""))]
    # A server may write the shortest number that is the same in that type.
    if any(kind in ("float16", "bfloat16") for kind in kinds):
        return 1e-3
    return 1e-6 if "float32" in kinds else 1e-9


def sample(columns: list[Any], tensors: list[Any]) -> tuple[Any, Any]:
    """A row, or tensors of the right rank, made from the signature: what is to be sent, and what is to be predicted."""
    import numpy as np
    import pandas as pd

    if columns:
        row = {str(column["name"]): SAMPLES.get(column["type"], 0) for column in columns}
        frame = pd.DataFrame([row])
        for column in columns:
            if column["type"] == "datetime":
                frame[column["name"]] = pd.to_datetime(frame[column["name"]])
            elif column["type"] in DTYPES:
                frame[column["name"]] = frame[column["name"]].astype(DTYPES[column["type"]])
        return {"dataframe_split": {"columns": list(row), "data": [list(row.values())]}}, frame
    made = {}
    for tensor in tensors:
        shape = [1 if size == -1 else size for size in tensor["tensor-spec"]["shape"]]
        made[tensor.get("name")] = np.zeros(shape, dtype=tensor["tensor-spec"]["dtype"])
    value = made[None] if list(made) == [None] else made
    return {"inputs": plain(value)}, value


def example(folder: str, model: Any) -> tuple[Any, Any, Any, str]:
    """The request, what is to be predicted, the params, and what all that was made from."""
    info = getattr(model.metadata, "saved_input_example_info", None) or {}
    schema = model.metadata.get_input_schema()
    name = str(info.get("artifact_path") or "input_example.json")
    serving = str(info.get("serving_input_path") or "serving_input_example.json")
    content, request = read(folder, name), read(folder, serving)
    params = None
    if content is not None:
        if info.get("params") and isinstance(content, dict) and "inputs" in content:
            params, content = content.get("params"), content["inputs"]
        kind = info.get("type") or ("dataframe" if isinstance(content, dict) and "columns" in content else "ndarray")
        if kind not in ("dataframe", "ndarray", "json_object"):
            return None, None, None, f"its input example is of the kind {kind}"
        from mlflow.models import utils

        read_example = getattr(utils, "_read_example", None)
        data = None
        if read_example is not None and info:
            data = read_example(model.metadata, folder)
        if data is None:
            import numpy as np
            import pandas as pd

            if kind == "dataframe":
                data = pd.DataFrame(content["data"], columns=content.get("columns"))
            else:
                inner = content["inputs"] if isinstance(content, dict) and set(content) == {"inputs"} else content
                data = inner if kind == "json_object" or isinstance(inner, dict) else np.asarray(inner)
        if request is None:
            if kind == "dataframe":
                split = {key: value for key, value in content.items() if key in ("columns", "data")}
                if "columns" not in split:
                    split["columns"] = [int(key) for key in data.columns]
                request = {"dataframe_split": split}
            else:
                request = content if isinstance(content, dict) and set(content) == {"inputs"} else {"inputs": content}
            if params:
                request["params"] = params
            return request, data, params, name
        return request, data, params, serving
    if schema is not None:
        fields = json.loads(schema.to_json()) if hasattr(schema, "to_json") else schema.to_dict()
        columns = [field for field in fields if field.get("type") != "tensor" and field.get("name")]
        if len(columns) == len(fields) and all(isinstance(f["type"], str) and f["type"] in KINDS for f in fields):
            return (*sample(columns, []), None, "the signature")
        if all(field.get("type") == "tensor" for field in fields):
            return (*sample([], fields), None, "the signature")
        return None, None, None, "it has no input example, and none can be made from its signature"
    return None, None, None, "it has neither an input example nor a signature"


def named_columns(model: Any) -> list[dict[str, Any]]:
    """Name, type and required of each named column or tensor of the signature."""
    schema = model.metadata.get_input_schema()
    fields = (schema.to_dict() if schema is not None else None) or []
    return [
        {
            "name": field["name"],
            "type": field["type"] if isinstance(field.get("type"), str) else "",
            "required": field.get("required", True) and not field.get("optional", False),
        }
        for field in fields
        if field.get("name")
    ]


def only_tensor(model: Any) -> str:
    """The dtype of the signature's only tensor, where that has no name; else empty."""
    schema = model.metadata.get_input_schema()
    fields = (schema.to_dict() if schema is not None else None) or []
    if len(fields) == 1 and fields[0].get("type") == "tensor" and not fields[0].get("name"):
        return str(fields[0]["tensor-spec"]["dtype"])
    return ""


def found() -> dict[str, Any]:
    """The object to write."""
    script = os.environ.get("AZUREML_ENTRY_SCRIPT", "")
    if script and Path(script).name != DEFAULT_SCRIPT:
        return {"script": True}
    from mlflow import pyfunc

    folder = model_folder()
    settings = json.loads(os.environ.get("SERVING_MODEL_CONFIG") or "null")
    model = pyfunc.load_model(folder, **({"model_config": settings} if settings else {}))
    columns = named_columns(model)
    request, data, params, source = example(folder, model)
    if request is None:
        return {"script": False, "columns": columns, "source": "", "why": source}

    def predict() -> Any:
        import copy

        value = copy.deepcopy(data)
        return model.predict(value, params=params) if params else model.predict(value)

    prediction = predict()
    answer = plain(prediction)
    return {
        "script": False,
        "columns": columns,
        "tensor": only_tensor(model),
        "source": source,
        "request": plain(request),
        "predictions": answer,
        "tolerance": coarsest(prediction),
        "repeatable": plain(predict()) == answer,
    }


def main() -> None:
    """Write it."""
    sys.path[:] = [entry for entry in sys.path if entry not in ("", str(Path.cwd()))]
    try:
        document = found()
    except BaseException as error:
        traceback.print_exc()
        first = str(error).strip().split("\n")[0]
        document = {"error": f"{type(error).__name__}: {first}"}
    sys.stdout.write("\n" + MARK + json.dumps(document) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
