"""Where a request's CPU time goes in envbuild's processes, and where the start of a server goes."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from .. import profiled
from ..errors import BenchError
from ..profiled import Imports
from . import wrk
from .environment import Environment, Model
from .results import Profile, Samples
from .running import running
from .servers import Server

PACKAGES, FUNCTIONS = 14, 40
_OWN = "envbuild_runtime"


def under_load(environment: Environment, server: Server, model: Model, seconds: int) -> Profile:
    """Sample a server's processes under the most connections. BenchError if they tell nothing."""
    with tempfile.TemporaryDirectory(dir=environment.folder) as name:
        folder = Path(name)
        told = {"ENVBUILD_BENCH_SAMPLES": name, "PYTHONPATH": str(profiled.INSIDE)}
        with running(server, model, folder, told) as found:
            found.settle()
            found.warm_up(1)
            found.settle()
            (folder / "go").touch()
            most = wrk.connections_of(model.key)[-1]
            body = model.body(server.path)
            wrk.patiently(lambda seconds: wrk.load(found.url, body, connections=most, seconds=seconds), seconds)
        return Profile(
            model=model.key, server=server.key, main=_samples(folder, "main"), worker=_samples(folder, "worker")
        )


def start(environment: Environment, server: Server, model: Model) -> Imports:
    """What a server imports until it answers. BenchError if Python tells nothing."""
    with tempfile.TemporaryDirectory(dir=environment.folder) as name:
        folder = Path(name)
        told = {
            "ENVBUILD_BENCH_IMPORTS": name,
            "PYTHONPROFILEIMPORTTIME": "1",
            "PYTHONPATH": str(profiled.INSIDE),
        }
        with running(server, model, folder, told) as found:
            found.settle()
        return profiled.read_imports(folder, server.key)


def digest(stacks: Mapping[str, int]) -> Samples:
    """Shares of all samples; a stack is `module:function` from the outermost inwards, with `;` between."""
    packages: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for stack, count in stacks.items():
        frames = stack.split(";")
        packages[_package(frames[-1])] += count
        for frame in dict.fromkeys(frames):
            functions[frame] += count
    total = sum(stacks.values())
    return Samples(
        samples=total,
        packages=tuple((name, count / total) for name, count in packages.most_common(PACKAGES)),
        # What is in every stack says nothing.
        functions=tuple((name, count / total) for name, count in functions.most_common() if count < 0.97 * total)[
            :FUNCTIONS
        ],
    )


def _package(frame: str) -> str:
    parts = frame.partition(":")[0].split(".")
    return ".".join(parts[:2]) if parts[0] == _OWN else parts[0]


def _samples(folder: Path, process: str) -> Samples:
    stacks: Counter[str] = Counter()
    for text in profiled.files(folder, process, "json"):
        stacks.update(json.loads(text))
    if not stacks:
        raise BenchError(f"no sample was taken of {process}")
    return digest(stacks)
