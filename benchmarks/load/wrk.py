"""wrk, which asks the same question over a number of connections for a while, and what it tells."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import BenchError
from ..processes import environment, run
from .environment import INSIDE

SCRIPT = INSIDE / "post.lua"
PATIENCE = 60
"""Seconds after which wrk gives a request up, which fails the run."""
HEAVY = ("tensor",)
"""Models whose requests take so long that 64 at a time would only wait for each other."""
LONGER = 4
"""How much longer those are watched over 8 connections: the window has to hold many times what it begins with."""
LONGEST = 60
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
    words = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
    done = run(
        [*words, "--timeout", f"{PATIENCE}s", "--script", SCRIPT, url], env=environment(ENVBUILD_BENCH_BODY=str(body))
    )
    return parse(done.stdout, cpu=done.cpu)


def patient(url: str, body: Path, *, connections: int, seconds: int) -> Told:
    """The same, and for twice as long where nothing is answered, up to a minute."""
    while True:
        try:
            return load(url, body, connections=connections, seconds=seconds)
        except NothingError:
            if seconds >= LONGEST:
                raise
            seconds *= 2


def connections_of(model: str) -> tuple[int, ...]:
    """The numbers of connections over which a model is asked, the most at last."""
    return (1, 8) if model in HEAVY else (1, 8, 64)


def duration(model: str, connections: int, seconds: int) -> int:
    """The seconds of a window for a model, where `seconds` are those of most."""
    return seconds * LONGER if model in HEAVY and connections > 1 else seconds


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
