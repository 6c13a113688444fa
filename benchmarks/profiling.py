"""Where the time and the memory go: phases of a build, imports, the start of a container, the layers of the image."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import engine, imports, profiled, serving
from .errors import BenchError
from .imports import Import
from .processes import environment, run
from .profiled import Imports, Memory
from .sampling import Sample, Sampler
from .subject import Envbuild
from .workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A phase of a build: seconds since the start of the process, CPU of its processes and of the engine in it.

    `resident` is the most memory of the process tree in it. Phases may overlap, so their CPU may count twice.
    """

    name: str
    what: str
    began: float
    ended: float
    cpu: float
    engine_cpu: float
    resident: int
    steps: tuple[tuple[str, float], ...]

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


def phases(subject: Envbuild, model: Path, *options: str) -> tuple[float, list[Phase]]:
    """Build into the engine in a process that takes the time of each phase: see `timed`."""
    found = timed(subject.environment(), model, subject.tag, *options)
    subject.workspace.built(subject.tag)
    return found


def timed(env: Mapping[str, str], model: Path, tag: str, *options: str) -> tuple[float, list[Phase]]:
    """Build, with the options of `benchmarks.phases`; its seconds, and the phases in the order they began."""
    sampler = Sampler()
    words: list[str | Path] = [sys.executable, "-m", "benchmarks.phases", model, tag, *options]
    done = run(words, env=env, folder=ROOT, started=sampler.start)
    sampler.stop()
    told = json.loads(done.stdout)
    start = sampler.samples[0].at if sampler.samples else told["began"]
    found = [_phase(name, entry, start, sampler.samples) for name, entry in told["phases"].items() if entry["ended"]]
    startup = Phase(name="start", what="Python and the first imports", began=0.0, ended=max(0.0, told["began"] - start),
                    steps=(), **_within(sampler.samples, start, told["began"]))  # fmt: skip
    return done.seconds, sorted([startup, *found], key=lambda phase: phase.began)


def _phase(name: str, entry: dict[str, Any], start: float, samples: list[Sample]) -> Phase:
    return Phase(
        name=name,
        what=entry["what"],
        began=entry["began"] - start,
        ended=entry["ended"] - start,
        steps=tuple((what, at - start) for what, at in entry["steps"]),
        **_within(samples, entry["began"], entry["ended"]),
    )


def _within(samples: list[Sample], began: float, ended: float) -> dict[str, Any]:
    inside = [sample for sample in samples if began <= sample.at <= ended]
    if not inside:
        return {"cpu": 0.0, "engine_cpu": 0.0, "resident": 0}
    return {
        "cpu": inside[-1].cpu - inside[0].cpu,
        "engine_cpu": inside[-1].engine_cpu - inside[0].engine_cpu,
        "resident": max(sample.resident for sample in inside),
    }


def command_imports(subject: Envbuild, model: Path) -> list[Import]:
    """What the command imports when nothing has changed."""
    _, *words = subject.command(model)
    done = run([sys.executable, "-X", "importtime", "-m", "envbuild", *words], env=subject.environment())
    found = imports.parse(done.stderr)
    if not found:
        raise BenchError("python -X importtime told nothing")
    return found


def bare_python() -> float:
    """Seconds of an interpreter that does nothing: the floor of every command. The least of five."""
    return min(run([sys.executable, "-c", "pass"], env=environment()).seconds for _ in range(5))


def container_imports(workspace: Workspace, image: str) -> Imports:
    """What the server's processes import until its first answer."""
    with _profiled(workspace, image, "ENVBUILD_BENCH_IMPORTS", "PYTHONPROFILEIMPORTTIME=1") as folder:
        return profiled.read_imports(folder, "envbuild")


def container_memory(workspace: Workspace, image: str) -> tuple[Memory, Memory]:
    """The memory of the server's first process and of its worker, by what they import."""
    with _profiled(workspace, image, "ENVBUILD_BENCH_MEMORY") as folder:
        return profiled.read_memory(folder, "main"), profiled.read_memory(folder, "worker")


@contextmanager
def _profiled(workspace: Workspace, image: str, variable: str, *settings: str) -> Iterator[Path]:
    """The folder of `variable`, filled by a server that answered once and was stopped."""
    with tempfile.TemporaryDirectory(dir=workspace.folder) as name:
        folder = Path(name)
        # Whoever the server runs as in its container.
        folder.chmod(0o777)
        words = ["--volume", f"{profiled.INSIDE}:/bench:ro", "--volume", f"{folder}:/told"]
        for setting in ("PYTHONPATH=/bench", f"{variable}=/told", *settings):
            words += ["--env", setting]
        with serving.answering(workspace, image, serving.route("envbuild"), words) as (container, _):
            engine.docker("stop", "--time", "20", container)
            yield folder
