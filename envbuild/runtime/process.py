"""Prepare the process: a home, a name and quiet libraries, before any of them is imported.

An image runs under any user id, often without a passwd entry, on a read-only root with a small /tmp. Libraries
that ask for the home directory or the user name at import would fail there.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "MLFLOW_DISABLE_ENV_CREATION": "true",
    # mlflow imports GitPython, which complains loudly where there is no git.
    "GIT_PYTHON_REFRESH": "quiet",
}


def prepare() -> None:
    """Set the environment's defaults and end on SIGTERM, also as process 1 and while the model loads."""
    # `python -m` puts the working directory first, where any file could shadow a library.
    if sys.path and sys.path[0] in ("", str(Path.cwd())):
        del sys.path[0]
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    _home()
    _user()
    # Process 1 has no default action for signals: without a handler SIGTERM during start-up would be lost.
    signal.signal(signal.SIGTERM, _leave)


@contextmanager
def imports() -> Iterator[None]:
    """Import in here without looking for garbage: modules make many objects and drop none.

    What was made is not looked through later either, which a model that is loaded afterwards gains from. It is not
    for loading models: garbage made in here stays.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if on:
            gc.enable()


def _home() -> None:
    home = os.environ.get("HOME", "")
    if not (home and os.access(home, os.W_OK | os.X_OK)):
        os.environ["HOME"] = tempfile.gettempdir()


def _user() -> None:
    if any(os.environ.get(name) for name in ("LOGNAME", "USER", "LNAME", "USERNAME")):
        return
    import pwd

    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"user{os.getuid()}"
    os.environ["USER"] = os.environ["LOGNAME"] = name


def _leave(number: int, frame: Any) -> None:
    sys.exit(0)
