"""Values that many tests need and few look at: what a model says of itself, and a server."""

from __future__ import annotations

from typing import Any

from envbuild.model.types import MLmodel
from envbuild.servers.types import Server


def an_mlmodel(**changes: Any) -> MLmodel:
    """The MLmodel of a scikit-learn model without signature and example."""
    usual: dict[str, Any] = {
        "flavors": {},
        "loader_module": "mlflow.sklearn",
        "python_version": "3.11.7",
        "mlflow_version": "3.17.2",
        "run_id": "",
        "model_id": "",
        "model_uuid": "",
        "signature": None,
        "input_example": None,
        "raw": {},
        "spans": {},
    }
    return MLmodel(**{**usual, **changes})


def a_server(**changes: Any) -> Server:
    """A server without packages and files, which looks like envbuild's own from outside."""
    usual: dict[str, Any] = {
        "name": "envbuild",
        "title": "a server",
        "packages": (),
        "constraints": (),
        "files": (),
        "command": ("/opt/envbuild/bin/python", "-m", "envbuild_runtime"),
        "port": 8080,
        "liveness": "/ping",
        "readiness": "/ping",
        "scoring": "/score",
        "environment": (("AML_APP_ROOT", "/var/mlflow_resources"),),
        "app_root": "/var/mlflow_resources",
        "entry_script": "",
        "modules": ("uvicorn",),
    }
    return Server(**{**usual, **changes})
