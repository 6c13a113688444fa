"""wrk, which asks the same question over a number of connections for a while, and what it tells."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..errors import BenchError
from ..processes import Run, environment, run
from .environment import INSIDE

SCRIPT = INSIDE / "post.lua"
PATIENCE = 60
"""Seconds after which wrk gives a request up, which fails the run."""
HEAVY = ("tensor",)
"""Models whose requests take so long that 64 at a time would only wait for each other."""
LONGEST = 60
Found = TypeVar("Found")
_ANSWER = re.compile(r"^envbuild-bench-answer (\d+) ([0-9a-f]*)$", re.MULTILINE)
_LINE = re.compile(r"^envbuild-bench (\{.*\})$", re.MULTILINE)


class NothingError(BenchError):
    """Not one request was answered: the time was too short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What wrk found: requests answered in `seconds`, percentiles of their latency, wrk's own CPU time; all in s."""

    requests: int
    seconds: float
    p50: float
    p99: float
    cpu: float


def load(url: str, body: Path, *, connections: int, seconds: int) -> Told:
    """Post `body` to a loopback `url` without a pause. BenchError for any error, and for an answer but a 2xx or 3xx."""
    done = _wrk(url, body, connections, seconds)
    return parse(done.stdout, cpu=done.cpu)


def answers(url: str, body: Path, *, connections: int, seconds: int) -> dict[bytes, int]:
    """The same, but it tells how often each different answer came: wrk looks at all of them, which costs time."""
    done = _wrk(url, body, connections, seconds, ENVBUILD_BENCH_CHECK="1")
    parse(done.stdout, cpu=done.cpu)
    return {bytes.fromhex(found[2]): int(found[1]) for found in _ANSWER.finditer(done.stdout)}


def patiently(ask: Callable[[int], Found], seconds: int) -> Found:
    """What `ask` finds in so many seconds; in twice as many where nothing is answered, up to a minute."""
    while True:
        try:
            return ask(seconds)
        except NothingError:
            if seconds >= LONGEST:
                raise
            seconds *= 2


def _wrk(url: str, body: Path, connections: int, seconds: int, **variables: str) -> Run:
    words = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
    return run(
        [*words, "--timeout", f"{PATIENCE}s", "--script", SCRIPT, url],
        env=environment(ENVBUILD_BENCH_BODY=str(body), **variables),
    )


def connections_of(model: str) -> tuple[int, ...]:
    """The numbers of connections over which a model is asked, the most at last."""
    return (1, 8) if model in HEAVY else (1, 8, 64)


def parse(text: str, *, cpu: float) -> Told:
    """Read the line of wrk's script. BenchError if there is none or it tells of errors, NothingError for no answer."""
    found = _LINE.search(text)
    if found is None:
        raise BenchError(f"wrk told nothing:\n{text[-1000:]}")
    told = json.loads(found[1])
    wrong = {name: told[name] for name in ("connect", "read", "write", "status", "timeout") if told[name]}
    if wrong:
        listed = ", ".join(f"{count} x {name}" for name, count in wrong.items())
        raise BenchError(f"under load {listed} of {told['requests']} requests went wrong")
    if not told["requests"]:
        raise NothingError("under load not one request was answered")
    return Told(
        requests=told["requests"],
        seconds=told["microseconds"] / 1e6,
        p50=told["p50"] / 1e6,
        p99=told["p99"] / 1e6,
        cpu=cpu,
    )
