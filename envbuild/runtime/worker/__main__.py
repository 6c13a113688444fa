"""`python -m envbuild_runtime.worker FD`: hold the model or script, and answer what comes over the socket FD.

The process ends when the other side closes the socket, and with code 3 where nothing can be loaded.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from .. import lazy, process
from ..errors import StartError
from ..settings import Settings, model_config, model_folder, read_settings, script_path

if TYPE_CHECKING:
    from ..wire import Request
    from .link import Link

BOOT_FAILED = 3
"""The exit code for a model or script that cannot be loaded, as gunicorn and Azure ML's server give it."""


def main(arguments: list[str]) -> int:
    """Load, say so, and answer until the socket is closed; return the exit code."""
    started = time.perf_counter()
    process.prepare()
    # Whoever started this process ends it: by closing the socket, so that a prediction under way is answered.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with process.imports():
        from .. import logs
        from .link import Link

    settings = read_settings(os.environ)
    logs.set_up(settings.log_format, settings.log_level)
    link = Link(socket.socket(fileno=int(arguments[0])))
    if settings.log_prints:
        logs.take_prints()
    try:
        answering = load(settings)
    except StartError as error:
        return _failed(f"envbuild_runtime: {error}")
    except Exception:
        return _failed(traceback.format_exc() + "envbuild_runtime: the model or script could not be loaded; see above.")
    except SystemExit as error:
        return _failed(f"envbuild_runtime: the model or script ended the process while it loaded ({error.code}).")
    link.ready(time.perf_counter() - started, answering.about())
    _answer(link, answering, settings)
    return 0


def load(settings: Settings) -> Any:
    """Return what answers requests: the script that is named, else the model. StartError says what is missing."""
    script = script_path(os.environ)
    if script is not None:
        from .scripted import Scripted

        return Scripted(*script, compat=settings.compat)
    folder = model_folder(os.environ)
    if settings.concurrency == 1:
        lazy.install()
    # A script may do without MLflow, so it is imported here.
    from .answering import Answering
    from .model import Model

    return Answering(Model(folder, model_config(os.environ)), settings.compat)


def _answer(link: Link, answering: Any, settings: Settings) -> None:
    from .. import logs

    def work(requests: list[Request]) -> None:
        with logs.request(*(request.headers.get("x-request-id", "") for request in requests)):
            for answer in answering.answer(requests):
                link.send(answer)

    if settings.concurrency == 1:
        # In the main thread: scripts may set signal handlers and timers there.
        for requests in link.requests():
            work(requests)
        return
    with ThreadPoolExecutor(settings.concurrency, thread_name_prefix="predict") as executor:
        for requests in link.requests():
            executor.submit(work, requests)


def _failed(text: str) -> int:
    # As it is, not as a log line: this is what a person looks for when the container does not start.
    print(text, file=sys.__stderr__, flush=True)
    return BOOT_FAILED


if __name__ == "__main__":
    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # Libraries' threads and exit handlers could hold the process up; nothing is left to be done.
    os._exit(code)
