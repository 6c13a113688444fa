"""A model with a file of gigabytes: what is done with it, against a bare hash of it right before."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .. import sampling
from ..errors import BenchError
from ..measuring import say
from ..profiling import timed
from ..sampling import Sampler
from .bare import bare_copy, bare_push
from .machines import Machine
from .results import Large, Peak, Profiled
from .server import Server, serving

FILE = "weights.bin"
_NAME = "bench/large:1"
_BLOCK = 1 << 24
SETTLED = 3.0
"""Seconds after which envbuild takes a file as settled, so that it remembers its hash."""
_SHARED = ("base", "wheel", "wheels", "bytecode")
"""Kinds of layers that do not hang on the model's files."""


@dataclass(slots=True)
class _Bench:
    """The model, the same without its large file, a machine that knows that one, and a folder for what a turn makes."""

    forest: Path
    model: Path
    machine: Machine
    folder: Path
    hashed: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    copied: list[float] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    size: int = 0

    def run(self, turns: int, again: int) -> None:
        """Measure, in turn."""
        for turn in range(turns):
            say(f"the large file, {turn + 1} of {turns}")
            for name in ("layout", "push"):
                with self._turn() as (machine, server):
                    self._measure(name, machine, server, again)

    def peaks(self) -> dict[str, Peak]:
        """The memory of a build into a layout, and of a push."""
        found = {}
        for name in ("layout", "push"):
            say(f"the large file, memory of a {name}")
            with self._turn() as (machine, server):
                sampler = Sampler()
                machine.image(self.model, *self._goal(name, server), started=sampler.start)
                sampler.stop()
            if sampler.peak is None:
                raise BenchError("envbuild was not sampled")
            found[name] = Peak(resident=sampler.peak.resident, processes=sampler.peak.processes)
        return found

    def profiles(self) -> dict[str, Profiled]:
        """The phases of each, and of the same with nothing changed."""
        found = {}
        for name in ("layout", "push"):
            say(f"the large file, profile of a {name}")
            with self._turn() as (machine, server):
                reference, *options = self._goal(name, server)
                for kind in (name, f"{name}_again"):
                    os.sync()
                    before = sampling.cpu_seconds(server.pid)
                    seconds, phases = timed(machine.environment(), self.model, reference, *options)
                    found[kind] = Profiled(
                        seconds=seconds,
                        phases=tuple(phases),
                        registry_cpu=sampling.cpu_seconds(server.pid) - before,
                    )
        return found

    def _measure(self, name: str, machine: Machine, server: Server, again: int) -> None:
        self.hashed.append(_hash(self.model / FILE))
        done, result = machine.image(self.model, *self._goal(name, server))
        anew = [layer["title"] for layer in result["layers"] if not layer["cached"] and layer["kind"] in _SHARED]
        if anew:
            raise BenchError(f"layers that the small model has too were made anew: {', '.join(anew)}")
        self.seconds.setdefault(name, []).append(done.seconds)
        self.size = result["size"]
        for _ in range(again):
            os.sync()
            done, result = machine.image(self.model, *self._goal(name, server))
            if not all(layer["cached"] for layer in result["layers"]):
                raise BenchError("a layer was made though nothing had changed")
            self.seconds.setdefault(f"{name}_again", []).append(done.seconds)
        if name == "layout":
            os.sync()
            self.copied.append(bare_copy(self.model / FILE, self.folder / "copy"))
        elif not self.bare:
            os.sync()
            self.bare.append(bare_push(server, self.model / FILE))

    def _goal(self, name: str, server: Server) -> tuple[str, ...]:
        """The reference, and the options that take the image there."""
        layout = f"oci-dir={self.folder / 'layout'}"
        return f"{server.address}/{_NAME}", *(("--output", layout) if name == "layout" else ("--push",))

    @contextmanager
    def _turn(self) -> Iterator[tuple[Machine, Server]]:
        """A machine and a registry that have all but the large file; what they were given is removed again."""
        try:
            machine = self.machine.copied(self.folder / "home")
            with serving(self.folder / "registry") as server:
                machine.image(self.forest, f"{server.address}/{_NAME}", "--push")
                # A copied cache has to look at its blobs once before it knows them.
                machine.image(self.forest, _NAME, "--output", f"oci-dir={self.folder / 'small'}")
                # What others wrote is no part of what is measured.
                os.sync()
                yield machine, server
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
            os.sync()


def large(forest: Path, machine: Machine, folder: Path, *, size: int, turns: int, again: int) -> Large:
    """Make a model with a file of `size` random bytes, and measure. BenchError if something is not as it must be."""
    say(f"a file of {size / 1e9:.1f} GB")
    path = folder / "model"
    shutil.copytree(forest, path)
    _fill(path / FILE, size)
    time.sleep(SETTLED)
    bench = _Bench(forest=forest, model=path, machine=machine, folder=folder / "turn")
    bench.run(turns, again)
    peaks, profiles = bench.peaks(), bench.profiles()
    shutil.rmtree(folder)
    return Large(
        size=size,
        rest=bench.size - size,
        hashed=tuple(bench.hashed),
        bare=tuple(bench.bare),
        copied=tuple(bench.copied),
        seconds={name: tuple(values) for name, values in bench.seconds.items()},
        peaks=peaks,
        profiles=profiles,
    )


def _fill(path: Path, size: int) -> None:
    with path.open("wb") as file:
        left = size
        while left:
            left -= file.write(os.urandom(min(left, _BLOCK)))


def _hash(path: Path) -> float:
    """Seconds of `hashlib.file_digest`, after which the file is in the page cache."""
    if sys.version_info < (3, 11):
        raise BenchError("hashlib.file_digest needs Python 3.11: run the benchmark on a newer Python")
    with path.open("rb") as file:
        begin = time.monotonic()
        hashlib.file_digest(file, "sha256")
        return time.monotonic() - begin
