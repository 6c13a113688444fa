"""The real Azure ML inference server: its `init()`/`run()` contract, its routes, its port.

The model must list both packages itself, as it must for a deployment to Azure ML.
"""

from __future__ import annotations

from .files import SCORE_SCRIPT, SCORE_SCRIPT_ROOT, runtime_files, runtime_modules
from .types import Server, ServerPackage

_FILES = runtime_files(score_script=True)

SERVER = Server(
    name="azureml",
    title="Azure ML inference server",
    packages=(
        ServerPackage(
            name="azureml-inference-server-http",
            requirement="azureml-inference-server-http>=1.0",
            why="it answers /score; versions before 1.0 lack the routes and the Python support of today's",
            listed=True,
            code="EB301",
        ),
        ServerPackage(
            name="azureml-ai-monitoring",
            requirement="azureml-ai-monitoring",
            why="Azure ML's generated scoring script imports its Collector",
            listed=True,
            code="EB302",
        ),
    ),
    # gunicorn before 21 imports pkg_resources, which setuptools 82 no longer has.
    constraints=("setuptools<82",),
    ladder=True,
    files=_FILES,
    command=("/opt/envbuild/bin/python", "-m", "envbuild_runtime.azureml"),
    port=5001,
    liveness="/",
    readiness="/",
    scoring="/score",
    environment=(
        ("AML_APP_ROOT", SCORE_SCRIPT_ROOT),
        ("AZUREML_ENTRY_SCRIPT", SCORE_SCRIPT),
    ),
    app_root=SCORE_SCRIPT_ROOT,
    entry_script=SCORE_SCRIPT,
    # What a boot and a first request load, as sys.modules shows it: gunicorn imports its worker and its
    # logger by name, and the server's application is named in a string.
    modules=(
        "azureml.ai.monitoring",
        "azureml_inference_server_http.amlserver",
        "azureml_inference_server_http.amlserver_linux",
        "azureml_inference_server_http.server.entry",
        *runtime_modules(_FILES),
        "flask",
        "flask_cors",
        "gunicorn.app.wsgiapp",
        "gunicorn.glogging",
        "gunicorn.workers.sync",
        "mlflow.pyfunc",
    ),
)
