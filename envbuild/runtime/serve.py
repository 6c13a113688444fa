"""Load what is to be served, then serve it until SIGTERM."""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn

from . import lazy
from .app import Application
from .errors import StartError
from .script import Script
from .settings import Settings, model_config, model_folder, read_settings, script_path

logger = logging.getLogger("envbuild_runtime")

BOOT_FAILED = 3
"""The exit code for a model or script that cannot be loaded, as gunicorn and Azure ML's server give it."""


def serve() -> int:
    """Serve until told to stop; return the exit code."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname).1s %(name)s - %(message)s"
    )
    logging.Formatter.converter = time.gmtime
    started = time.perf_counter()
    try:
        settings = read_settings(os.environ)
        executor = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="predict")
        application = Application(executor, settings.body_limit)
        app = _build(application, settings)
    except StartError as error:
        print(f"envbuild_runtime: {error}", file=sys.stderr)
        return BOOT_FAILED
    except Exception:
        traceback.print_exc()
        print("envbuild_runtime: the model or script could not be loaded; see above.", file=sys.stderr)
        return BOOT_FAILED
    logger.info("loaded in %.2f s, listening on port %d", time.perf_counter() - started, settings.port)
    return _listen(app, application, settings)


def _build(application: Application, settings: Settings) -> Any:
    script = script_path(os.environ)
    if script is not None:
        return application.build(script=Script(*script))
    folder = model_folder(os.environ)
    if settings.concurrency == 1:
        lazy.install()
    # A script may do without MLflow, so it is imported here.
    from .model import Model

    return application.build(model=Model(folder, model_config(os.environ)))


def _listen(app: Any, application: Application, settings: Settings) -> int:
    config = uvicorn.Config(
        app,
        host="0.0.0.0",
        port=settings.port,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=settings.grace,
    )
    code = 0
    try:
        uvicorn.Server(config).run()
    except (SystemExit, KeyboardInterrupt) as stop:
        code = stop.code if isinstance(stop, SystemExit) and isinstance(stop.code, int) else 0
    if application.pending:
        # A prediction outlived the grace period. Threads cannot be stopped, and waiting for it would end in SIGKILL.
        logger.warning("stopped with %d prediction(s) under way", len(application.pending))
        logging.shutdown()
        os._exit(code)
    return code
