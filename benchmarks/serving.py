"""From `docker run` to the first answer, and the memory of the container behind it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import engine, model, needs
from .asking import post
from .errors import BenchError
from .workspace import Workspace

POLL = 0.02
LIMIT = 180.0
SETTLE = 2.0
MEMORY = (
    f"`docker stats` (the container's control group without inactive file pages), {SETTLE:.0f} s after the first answer"
)
_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a server is asked: `port` 0 for any free one, given as $PORT."""

    path: str
    port: int
    question: Any


def mlflow_route() -> Route:
    """MLflow's container: nginx on a port of its own choice."""
    return Route(path="/invocations", port=needs.PORTS[0], question=model.question())


def route(server: str) -> Route:
    """envbuild's servers."""
    if server == "azureml":
        return Route(path="/score", port=0, question=model.azure_question())
    return Route(path="/invocations", port=0, question=model.question())


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Seconds to the first answer, bytes of memory after it."""

    seconds: float
    memory: int


def start(workspace: Workspace, image: str, route: Route) -> Start:
    """Run `image` until it has answered. BenchError with its log if it does not, or answers something else."""
    with answering(workspace, image, route) as (name, seconds):
        time.sleep(SETTLE)
        used = engine.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", name).partition("/")[0]
    return Start(seconds=seconds, memory=memory(used))


@contextmanager
def answering(
    workspace: Workspace, image: str, route: Route, options: Sequence[str] = ()
) -> Iterator[tuple[str, float]]:
    """A container that has answered once: its name, and the seconds from `docker run` to the answer."""
    port = route.port or needs.free_port()
    _wait_for_port(port)
    name = workspace.container("run")
    words = ["run", "--detach", "--name", name, "--network", "host", "--env", f"PORT={port}", *options, image]
    body = json.dumps(route.question).encode()
    try:
        begin = time.monotonic()
        engine.docker(*words)
        while (found := _ask(port, route.path, body)) is None:
            if time.monotonic() - begin > LIMIT:
                raise BenchError(f"no answer from {image} in {LIMIT:.0f} s:\n{engine.docker('logs', name)[-2000:]}")
            time.sleep(POLL)
        seconds = time.monotonic() - begin
        if (found.get("predictions") if isinstance(found, dict) else found) != model.answer():
            raise BenchError(f"{image} answered {str(found)[:300]}, not what the model answers")
        yield name, seconds
    finally:
        engine.remove_container(name)


def memory(text: str) -> int:
    """`162.3MiB` in bytes."""
    found = re.fullmatch(r"([\d.]+)\s*(B|KiB|MiB|GiB)", text.strip())
    if found is None:
        raise BenchError(f"docker stats gave {text!r}")
    return round(float(found[1]) * _UNITS[found[2]])


def _ask(port: int, path: str, body: bytes) -> Any | None:
    """The JSON of a 200, or None while there is no answer. BenchError for an answer that says no."""
    found = post(port, path, body, patience=30)
    # nginx answers 502 until the server behind it does.
    if found is None or found[0] in (502, 503, 504):
        return None
    status, data = found
    if status != 200:
        raise BenchError(f"{path} answered {status}: {data[:500].decode(errors='replace')}")
    return json.loads(data)


def _wait_for_port(port: int) -> None:
    end = time.monotonic() + 30
    while not needs.free(port):
        if time.monotonic() > end:
            raise BenchError(f"port {port} is taken on this machine: stop what listens there")
        time.sleep(0.1)
