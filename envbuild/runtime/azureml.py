"""`python -m envbuild_runtime.azureml`: the Azure ML inference server, started as Azure starts it.

Azure runs `azmlinfsrv --entry_script $AZUREML_ENTRY_SCRIPT` in $AML_APP_ROOT behind nginx under a supervisor. Here
its own `run()` is called in this process, so that the container is one process tree: gunicorn's master and workers.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import MutableMapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from . import java, process
from .errors import StartError
from .settings import EVERYWHERE, FALLBACK_MODEL, host_address, in_brackets, number

DEFAULTS = {
    "AML_APP_ROOT": "/var/mlflow_resources",
    "AZUREML_ENTRY_SCRIPT": "mlflow_score_script.py",
    "AZUREML_MODEL_DIR": "/var/azureml-app/azureml-models/model/1",
    "MLFLOW_MODEL_FOLDER": "model",
}
PORT = 5001
NUMBERS = {"WORKER_COUNT": (1, 1024), "WORKER_TIMEOUT": (0, 1 << 31)}
"""Variables that the server takes for whole numbers, unread: the least and the greatest."""
HEARTBEAT = ("/dev/shm", tempfile.gettempdir())
"""Where gunicorn's workers may show that they live: in memory, so that a slow disk does not look like a dead one."""


def main(arguments: list[str]) -> int:
    """Start the server; `serve` is what some platforms pass to every image, other arguments go to azmlinfsrv."""
    process.prepare()
    java.prepare(os.environ)
    try:
        host = host_address(os.environ)
        options = prepare(os.environ)
        from azureml_inference_server_http import amlserver

        tell_host(amlserver, host)
    except StartError as error:
        print(f"envbuild_runtime.azureml: {error}", file=sys.stderr)
        return 3
    sys.argv = ["azmlinfsrv", *options, *(arguments[1:] if arguments[:1] == ["serve"] else arguments)]
    amlserver.run()
    return 0


def prepare(environment: MutableMapping[str, str]) -> list[str]:
    """Set what the server reads from the environment, enter AML_APP_ROOT, and return azmlinfsrv's options.

    StartError for a variable that it could not be started with.
    """
    for name, value in DEFAULTS.items():
        if not environment.get(name):
            environment[name] = value
    if not Path(environment["AZUREML_MODEL_DIR"]).is_dir() and Path(FALLBACK_MODEL, "MLmodel").is_file():
        fallback = Path(FALLBACK_MODEL).resolve()
        environment["AZUREML_MODEL_DIR"], environment["MLFLOW_MODEL_FOLDER"] = str(fallback.parent), fallback.name
    port = number(environment, "PORT", PORT, 1, 65535)
    for name, (low, high) in NUMBERS.items():
        # With no worker it would wait for ever, and show a traceback for a word.
        if environment.get(name, "").strip():
            environment[name] = str(number(environment, name, low, low, high))
        else:
            environment.pop(name, None)
    if environment.get("AZUREML_DEBUG_PORT") and find_spec("debugpy") is None:
        # It would start its worker again and again.
        raise StartError("AZUREML_DEBUG_PORT is set, and debugpy is not in the image: `--requirement debugpy` adds it.")
    root = Path(environment["AML_APP_ROOT"])
    try:
        os.chdir(root)
    except OSError as error:
        raise StartError(f"AML_APP_ROOT {root} cannot be entered: {error.strerror}.") from None
    environment["GUNICORN_CMD_ARGS"] = gunicorn_options(environment.get("GUNICORN_CMD_ARGS", ""))
    # The server has options for the ports and heeds no environment variable for the first.
    return ["--entry_script", environment["AZUREML_ENTRY_SCRIPT"], "--port", str(port)]


def tell_host(server: Any, host: str) -> None:
    """Have the module that starts the server listen on `host`. StartError where it cannot be told."""
    # It has an option for its port and none for its address. What it gives to gunicorn comes before gunicorn's own
    # variable and file, so its constant is the one place: every version from 1.0 on reads it when `run` is called.
    if host != EVERYWHERE and not hasattr(server, "DEFAULT_HOST"):
        raise StartError("ENVBUILD_HOST cannot be heeded: this version of Azure ML's server listens on every address.")
    server.DEFAULT_HOST = in_brackets(host)


def gunicorn_options(given: str) -> str:
    """Return gunicorn's options: heartbeat files in memory, no control socket; what is given wins."""
    options = []
    folder = next((folder for folder in HEARTBEAT if os.access(folder, os.W_OK)), None)
    if folder is not None and "--worker-tmp-dir" not in given:
        options.append(f"--worker-tmp-dir {folder}")
    if "--control-socket" not in given and "--no-control-socket" not in given and _has_control_socket():
        options.append("--no-control-socket")
    return " ".join([*options, given]).strip()


def _has_control_socket() -> bool:
    """Tell whether this gunicorn opens a socket in the home directory: those from 25.1 on do."""
    from gunicorn import version_info

    return tuple(version_info[:2]) >= (25, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
