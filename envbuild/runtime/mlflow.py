"""`python -m envbuild_runtime.mlflow`: MLflow's own scoring server on $PORT (8080).

MLflow starts it behind nginx, with a worker for every processor of the host. Here it listens itself, on $ENVBUILD_HOST
(0.0.0.0) with $MLFLOW_MODELS_WORKERS workers (1), each of which holds the model. It answers /ping, /health, /version
and /invocations. It is an ASGI application for uvicorn, and before MLflow 2.21 a WSGI one for gunicorn.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path

from . import java, process
from .errors import StartError
from .settings import in_brackets, model_config, model_folder, number, read_settings

MODEL_PATH = "__pyfunc_model_path__"
"""The variable that MLflow's server reads the model's folder from."""
ASGI = "mlflow.pyfunc.scoring_server.app"
WSGI = "mlflow.pyfunc.scoring_server.wsgi"


@dataclass(frozen=True)
class Serving:
    """How to serve. Times in seconds."""

    host: str
    """ENVBUILD_HOST: an IP address"""
    port: int
    """PORT"""
    workers: int
    """MLFLOW_MODELS_WORKERS"""
    timeout: int
    """MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT: newer servers read it themselves, of older ones it is gunicorn's."""
    grace: int
    """ENVBUILD_GRACE_SECONDS: how long requests under way may take after SIGTERM."""


def main(arguments: list[str]) -> int:
    """Serve until told to stop; `serve` is what some platforms pass to every image."""
    if arguments not in ([], ["serve"]):
        print("usage: python -m envbuild_runtime.mlflow [serve]", file=sys.stderr)
        return 2
    process.prepare()
    java.prepare(os.environ)
    try:
        serving = prepare(os.environ)
        asgi = is_asgi(mlflow_folder())
    except StartError as error:
        print(f"envbuild_runtime.mlflow: {error}", file=sys.stderr)
        return 3
    if asgi:
        from .asgi import serve

        return serve(ASGI, serving.host, serving.port, workers=serving.workers, grace=serving.grace)
    from .azureml import gunicorn_options

    given = os.environ.get("GUNICORN_CMD_ARGS", "")
    os.environ["GUNICORN_CMD_ARGS"] = f"{own_options(serving, given)} {gunicorn_options(given)}"
    sys.argv = ["gunicorn", f"{WSGI}:app"]
    from gunicorn.app.wsgiapp import run

    run()
    return 0


def prepare(environment: MutableMapping[str, str]) -> Serving:
    """Tell MLflow where the model is, and return how to serve it. StartError for what cannot be meant."""
    environment[MODEL_PATH] = str(model_folder(environment))
    model_config(environment)  # MLflow would show a traceback for what is no JSON object.
    settings = read_settings(environment)
    return Serving(
        host=settings.host,
        port=settings.port,
        workers=number(environment, "MLFLOW_MODELS_WORKERS", 1, 1, 1024),
        timeout=number(environment, "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", 60, 0, 86400),
        grace=settings.grace,
    )


def mlflow_folder() -> Path:
    """Return the folder of the installed mlflow, which is not imported for it."""
    from importlib.util import find_spec

    spec = find_spec("mlflow")
    if spec is None or not spec.origin:
        raise StartError("mlflow is not installed in this image.")
    return Path(spec.origin).parent


def is_asgi(mlflow: Path) -> bool:
    """Tell whether that mlflow has the ASGI application."""
    return (mlflow / "pyfunc" / "scoring_server" / "app.py").is_file()


def own_options(serving: Serving, given: str) -> str:
    """Return gunicorn's options that come before those `given` by the person, which win."""
    # It listens on every address that it is told, not on the last.
    elsewhere = any(word.startswith(("--bind", "-b")) for word in given.split())
    bind = "" if elsewhere else f"--bind {in_brackets(serving.host)}:{serving.port} "
    return f"{bind}--workers {serving.workers} --timeout {serving.timeout} --graceful-timeout {serving.grace}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
