"""MLflow's own scoring server. It brings its packages itself, and is another one with older versions of mlflow.

Each row of the table was started with the newest packages that its requirements allow: 1.0, 1.14, 1.20, 1.26 and
1.27; 1.28, 1.30, 2.0, 2.3, 2.9 and 2.14; 2.20; 2.21, 2.22, 3.1 and 3.10; 3.17.
"""

from __future__ import annotations

from .files import runtime_files
from .types import Server, ServerPackage

_FILES = runtime_files(score_script=False)
_MLFLOW = "it has the server"
_PYFUNC = "mlflow.pyfunc imports it; mlflow-skinny does not ask for it"

_ASGI = (
    ServerPackage(name="mlflow-skinny", requirement="mlflow-skinny", why=_MLFLOW),
    ServerPackage(name="numpy", requirement="numpy", why=_PYFUNC),
    ServerPackage(name="pandas", requirement="pandas", why=_PYFUNC),
    ServerPackage(name="fastapi", requirement="fastapi<1", why="the application; mlflow asks for the same range"),
    ServerPackage(
        name="uvicorn",
        requirement="uvicorn>=0.22,<1",
        why="the HTTP server; 0.22 is the first that can be told how long to wait for requests when it stops",
    ),
)
_WSGI = (
    ServerPackage(name="mlflow", requirement="mlflow", why=_MLFLOW),
    ServerPackage(name="flask", requirement="flask", why="the application; mlflow gives the range"),
    ServerPackage(name="gunicorn", requirement="gunicorn", why="the HTTP server; mlflow gives the range"),
)
_ROUTE = ServerPackage(
    name="starlette",
    requirement="starlette<1",
    why="the application sets its routes with `app.route`, which starlette 1 no longer has",
)
_SETUPTOOLS = ServerPackage(
    name="setuptools",
    requirement="setuptools<82",
    why="mlflow imports pkg_resources without asking for it, and setuptools 82 no longer has it",
)
_PROTOBUF = ServerPackage(
    name="protobuf",
    requirement="protobuf<4",
    why="protobuf 4 refuses the generated code of that time, and mlflow names no upper bound",
)

_ASGI_MODULES = (
    "envbuild_runtime",
    "envbuild_runtime.asgi",
    "envbuild_runtime.health",
    "envbuild_runtime.mlflow",
    "fastapi",
    "mlflow.pyfunc",
    "mlflow.pyfunc.scoring_server.app",
    # uvicorn imports its loop, its protocol and its lifespan by name.
    "uvicorn",
    "uvicorn.lifespan.on",
    "uvicorn.logging",
    "uvicorn.loops.asyncio",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.http.h11_impl",
    "uvicorn.protocols.websockets.auto",
)
_WSGI_MODULES = (
    "envbuild_runtime",
    "envbuild_runtime.health",
    "envbuild_runtime.mlflow",
    "flask",
    # gunicorn imports its worker and its logger by name.
    "gunicorn.app.wsgiapp",
    "gunicorn.glogging",
    "gunicorn.workers.sync",
    "mlflow.pyfunc",
    "mlflow.pyfunc.scoring_server.wsgi",
)


def _edition(
    since: str,
    *packages: ServerPackage,
    constraints: tuple[str, ...] = (),
    whole: bool = False,
    editions: tuple[Server, ...] = (),
) -> Server:
    return Server(
        name="mlflow",
        title="MLflow's scoring server",
        packages=packages,
        constraints=constraints,
        files=_FILES,
        command=("/opt/envbuild/bin/python", "-m", "envbuild_runtime.mlflow"),
        port=8080,
        liveness="/ping",
        readiness="/ping",
        scoring="/invocations",
        environment=(),
        app_root="",
        entry_script="",
        modules=_WSGI_MODULES if whole else _ASGI_MODULES,
        takes_script=False,
        editions=editions,
        since=since,
        edition=f"{'gunicorn' if whole else 'uvicorn'} with mlflow.pyfunc.scoring_server.{'wsgi' if whole else 'app'}",
        why_edition=(
            "before 2.21 the server is a Flask application, and mlflow names the Flask and gunicorn that it goes with"
            if whole
            else "from 2.21 on the server is a FastAPI application, for which mlflow-skinny is enough"
        ),
        whole_mlflow=whole,
    )


SERVER = _edition(
    "3.11",
    *_ASGI,
    editions=(
        _edition("2.21", *_ASGI, _ROUTE),
        _edition("2.16", *_WSGI, whole=True),
        _edition("1.28", *_WSGI, _SETUPTOOLS, whole=True),
        # mlflow of that time names no upper bounds, and does not go with what came later.
        _edition(
            "",
            *_WSGI,
            _SETUPTOOLS,
            _PROTOBUF,
            constraints=("numpy<1.24", "pandas<2", "sqlalchemy<2"),
            whole=True,
        ),
    ),
)
