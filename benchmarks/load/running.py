"""A server's process tree: from its start to the first right answer, at rest, and what it takes of memory and CPU."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import needs, sampling
from ..asking import post
from ..errors import BenchError
from . import wrk
from .environment import Model
from .servers import WORKERS, Server, command

POLL = 0.02
LIMIT = 180.0
PATIENCE = 20.0
_QUIET = 0.03
"""CPU seconds in a quarter of a second, below which a tree is at rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Of the first process, of each worker, and of what else there is: proportional bytes and CPU seconds so far.

    The workers are the largest of the others.
    """

    main: int
    workers: tuple[int, ...]
    rest: int
    main_cpu: float
    others_cpu: float

    @property
    def whole(self) -> int:
        """Bytes of the whole tree, shared pages counted once."""
        return self.main + sum(self.workers) + self.rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that has answered; `seconds` from its start to the first answer."""

    server: Server
    model: Model
    port: int
    pid: int
    seconds: float

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.port}{self.server.path}"

    def check(self) -> None:
        """Ask once. BenchError unless the answer is the model's own."""
        if not _asked(self.port, self.server, self.model):
            raise BenchError(f"{self.server.title} does not answer any more")

    def warm_up(self, seconds: int) -> int:
        """Ask over the most connections and look at every answer; how many there were. BenchError for a wrong one."""
        connections = wrk.connections_of(self.model.key)[-1]
        body = self.model.body(self.server.path)
        found = wrk.patiently(
            lambda seconds: wrk.answers(self.url, body, connections=connections, seconds=seconds), seconds
        )
        for answer, count in found.items():
            if not right(answer, self.model):
                raise BenchError(
                    f"{self.server.title} answered {self.model.key} {count} times of {sum(found.values())} "
                    f"with {answer[:500]!r} under load, not as the model does"
                )
        return sum(found.values())

    def usage(self) -> Usage:
        """What the tree takes now."""
        others = [pid for pid in sampling.tree(self.pid) if pid != self.pid]
        sizes = sorted((sampling.proportional_size(pid) for pid in others), reverse=True)
        return Usage(
            main=sampling.proportional_size(self.pid),
            workers=tuple(sizes[:WORKERS]),
            rest=sum(sizes[WORKERS:]),
            main_cpu=sampling.cpu_seconds(self.pid),
            others_cpu=sum(sampling.cpu_seconds(pid) for pid in others),
        )

    def settle(self) -> None:
        """Wait until nothing is loaded or answered any more. BenchError if that does not come."""
        end, quiet, before = time.monotonic() + LIMIT, 0, self._cpu()
        while quiet < 2:
            if time.monotonic() > end:
                raise BenchError(f"{self.server.title} does not come to rest in {LIMIT:.0f} s")
            time.sleep(0.25)
            now = self._cpu()
            quiet, before = (quiet + 1 if now - before < _QUIET else 0), now

    def _cpu(self) -> float:
        return sum(sampling.cpu_seconds(pid) for pid in sampling.tree(self.pid))


@contextmanager
def running(server: Server, model: Model, folder: Path, extra: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Start a server, its log in `folder`, and stop it in the end. BenchError with the log if it does not answer."""
    port = needs.free_port()
    words, variables = command(server, port, extra or {})
    log = folder / f"{server.key}.log"
    with log.open("wb") as output:
        begin = time.monotonic()
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=variables, cwd=server.folder,
            start_new_session=True,
        )  # fmt: skip
    try:
        while not _asked(port, server, model):
            if process.poll() is not None or time.monotonic() - begin > LIMIT:
                text = log.read_text(encoding="utf-8", errors="replace")
                raise BenchError(f"no answer from {server.title} for {model.key}:\n{text[-2000:]}")
            time.sleep(POLL)
        seconds = time.monotonic() - begin
        yield Running(server=server, model=model, port=port, pid=process.pid, seconds=seconds)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    below = sampling.tree(process.pid)[1:] if process.poll() is None else []
    known = {pid: sampling.began(pid) for pid in below}
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # What did not end with it: its group, which is there while one of it is, and what had a session of its own.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for pid, began in known.items():
        if began and sampling.began(pid) == began:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _asked(port: int, server: Server, model: Model) -> bool:
    """Whether the server answers; BenchError where it answers something else than the model does."""
    found = post(port, server.path, model.body(server.path).read_bytes(), patience=LIMIT)
    if found is None or found[0] == 503:
        return False
    status, data = found
    if status != 200 or not right(data, model):
        raise BenchError(f"{server.title} answered {model.key} with {status} {data[:500]!r}")
    return True


def right(data: bytes, model: Model) -> bool:
    """Whether an answer holds the model's own predictions, to the rounding that more rows at a time may bring."""
    try:
        found: Any = json.loads(data)
    except ValueError:
        return False
    # Azure ML's example answers with JSON that is written as a string.
    found = json.loads(found) if isinstance(found, str) else found
    values = found.get("predictions") if isinstance(found, dict) else found
    if not isinstance(values, list) or len(values) != len(model.answer):
        return False
    return all(
        isinstance(value, (int, float)) and math.isclose(value, want, rel_tol=1e-9)
        for value, want in zip(values, model.answer, strict=True)
    )
