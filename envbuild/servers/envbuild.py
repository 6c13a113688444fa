"""envbuild's own server: one ASGI application around `mlflow.pyfunc`. It brings its packages itself."""

from __future__ import annotations

from .files import runtime_files, runtime_modules
from .types import Server, ServerPackage

_FILES = runtime_files(score_script=False)
# What scripts import of Azure ML's server and of azureml-contrib-services: `runtime/worker/shims.py` makes it.
_SHIMS = (
    "azureml.contrib.services.aml_request",
    "azureml.contrib.services.aml_response",
    "azureml_inference_server_http.api.aml_request",
    "azureml_inference_server_http.api.aml_response",
)

SERVER = Server(
    name="envbuild",
    title="envbuild's own server",
    packages=(
        ServerPackage(
            name="uvicorn",
            requirement="uvicorn>=0.22,<1",
            why="the HTTP server; 0.22 is the first that can be told how long to wait for requests when it stops",
        ),
        ServerPackage(
            name="httptools",
            requirement="httptools>=0.5,<1",
            why="uvicorn parses HTTP with it in C; without it the parser is written in Python",
        ),
        ServerPackage(
            name="starlette",
            requirement="starlette>=0.20,<2",
            why="routes, requests and responses; the range spans what fastapi and MLflow ask for since 2022",
        ),
        ServerPackage(
            name="orjson",
            requirement="orjson>=3.7,<4",
            why="reads and writes request bodies, numpy arrays included; 3.7 has wheels for Python 3.9 on",
        ),
        ServerPackage(
            name="prometheus-client",
            requirement="prometheus-client>=0.14,<1",
            why="counts requests and times for /metrics in the text format that Prometheus scrapes",
        ),
    ),
    optional=(
        ServerPackage(
            name="inference-schema",
            requirement="inference-schema>=1.3,<2",
            why="its decorators tell how run() is called and what swagger.json says",
            when=("inference_schema",),
        ),
        ServerPackage(
            name="werkzeug",
            requirement="werkzeug>=2.1,<4",
            why="@rawhttp, AMLRequest and AMLResponse are made of its requests and responses",
            when=("azureml.contrib.services", "azureml_inference_server_http"),
        ),
    ),
    shims=_SHIMS,
    # mlflow and some flavors of its time import pkg_resources, which setuptools 82 no longer has.
    constraints=("setuptools<82",),
    files=_FILES,
    command=("/opt/envbuild/bin/python", "-m", "envbuild_runtime"),
    port=8080,
    liveness="/",
    readiness="/ping",
    scoring="/score",
    environment=(),
    app_root="",
    entry_script="",
    # uvicorn imports its loop, its protocol and its lifespan by name.
    modules=(
        *runtime_modules(_FILES),
        "httptools",
        "mlflow.pyfunc",
        "orjson",
        "prometheus_client.exposition",
        "starlette.applications",
        "starlette.exceptions",
        "starlette.middleware.errors",
        "starlette.middleware.exceptions",
        "starlette.requests",
        "starlette.responses",
        "starlette.routing",
        "uvicorn",
        "uvicorn.lifespan.off",
        "uvicorn.logging",
        "uvicorn.loops.asyncio",
        "uvicorn.loops.auto",
        "uvicorn.protocols.http.auto",
        "uvicorn.protocols.http.httptools_impl",
    ),
)
