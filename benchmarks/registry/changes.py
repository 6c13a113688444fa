"""Both sides push the same model: after each change of it, and several that differ by their weights alone."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import uv

from .. import engine, model
from ..baseline import Mlflow, ran
from ..errors import BenchError
from ..measuring import say
from ..processes import environment, run
from .counting import Counter, counted
from .machines import Machine, as_push
from .results import Changes, Push, Shelf
from .server import Server, Stored, serving, weigh

HERE = Path(__file__).resolve().parent
WEIGHTS = "model.skops"
_NAME = "bench/forest"
# How the histories of both sides' images tell of the layer that holds the model.
_OURS, _THEIRS = "envbuild: model", "COPY dir:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Both sides: a machine that has built the model before, and MLflow's image of it in the engine."""

    machine: Machine
    mlflow: Mlflow

    def ours(self, folder: Path, counter: Counter, name: str) -> Push:
        """Build the model in `folder` and push it."""
        before = counter.sent
        done, result = self.machine.image(folder, f"{counter.address}/{name}", "--push")
        return as_push(done, result, counter.sent - before)

    def theirs(self, counter: Counter, name: str) -> Push:
        """Push what MLflow's context was built to last."""
        reference = f"{counter.address}/{name}"
        self.mlflow.workspace.keep(reference)
        engine.docker("tag", self.mlflow.tag, reference)
        before = counter.sent
        done = run(["docker", "push", reference], env=environment(**engine.CLASSIC))
        return Push(seconds=done.seconds, sent=counter.sent - before)

    def rebuilt(self, folder: Path) -> tuple[float, float]:
        """Seconds of MLflow's command for the model in `folder`, and of the build. BenchError if nothing was built."""
        generated = self.mlflow.generate(folder)
        built = self.mlflow.build()
        if not ran(built):
            raise BenchError("docker build ran no step though the model had changed")
        return generated, built.seconds


def changes(sides: Sides, folder: Path, *, turns: int, turns_mlflow: int) -> Changes:
    """Change one byte of the model and push it, both sides in turn; the images are in the registry before."""
    forest = sides.mlflow.model
    envbuild: list[Push] = []
    mlflow: list[Push] = []
    builds: list[float] = []
    generate: list[float] = []
    with serving(folder) as server, counted(server.address) as counter:
        say("both images into a registry")
        sides.ours(forest, counter, f"{_NAME}:1")
        sides.theirs(counter, f"{_NAME}-mlflow:1")
        for turn in range(max(turns, turns_mlflow)):
            say(f"model changed and pushed, {turn + 1}")
            model.change(forest)
            if turn < turns:
                found = sides.ours(forest, counter, f"{_NAME}:1")
                if not found.content:
                    raise BenchError("envbuild pushed nothing though the model had changed")
                envbuild.append(found)
            if turn < turns_mlflow:
                generated, built = sides.rebuilt(forest)
                generate.append(generated)
                builds.append(built)
                mlflow.append(sides.theirs(counter, f"{_NAME}-mlflow:1"))
    return Changes(
        model=size_of(forest),
        envbuild=tuple(envbuild),
        mlflow=tuple(mlflow),
        builds=tuple(builds),
        generate=tuple(generate),
    )


def shelves(sides: Sides, folder: Path, *, count: int) -> tuple[Shelf, Shelf]:
    """Push `count` models of one framework by both sides, each side into a registry of its own."""
    say(f"{count} forests")
    weights = _forests(folder, count)
    one = folder / "model"
    with serving(folder / "envbuild") as mine, serving(folder / "mlflow") as other:
        with counted(mine.address) as ours, counted(other.address) as theirs:
            sizes: list[tuple[int, int]] = []
            for number, path in enumerate(weights):
                say(f"forest {number + 1} of {count}")
                shutil.rmtree(one, ignore_errors=True)
                model.copy(one)
                shutil.copyfile(path, one / WEIGHTS)
                sides.ours(one, ours, f"{_name(number)}:1")
                sides.rebuilt(one)
                sides.theirs(theirs, f"{_name(number)}:1")
                sizes.append((mine.stored(), other.stored()))
        return _shelf(mine, [size for size, _ in sizes], _OURS), _shelf(other, [size for _, size in sizes], _THEIRS)


def size_of(folder: Path) -> int:
    """The bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _shelf(server: Server, sizes: list[int], weights: str) -> Shelf:
    images: list[tuple[Stored, ...]] = [server.layers(_name(number), "1") for number in range(len(sizes))]
    return Shelf(
        one=sizes[0],
        many=sizes[-1],
        images=tuple(images),
        weights=tuple(weigh(image, weights) for image in images),
    )


def _name(number: int) -> str:
    return f"{_NAME}-{number}"


def _forests(folder: Path, count: int) -> list[Path]:
    """The weights of forests that differ by their seed, trained with the packages that the model pins."""
    folder.mkdir(parents=True, exist_ok=True)
    pins = (model.FOREST / "requirements.txt").read_text(encoding="utf-8").split()
    packages = [pin for pin in pins if not pin.startswith("mlflow")]
    run([uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, folder / "venv"])
    run([uv.find_uv_bin(), "pip", "install", "--quiet", "--python", folder / "venv/bin/python", *packages])
    run([folder / "venv/bin/python", HERE / "inside/forests.py", folder / "weights", str(count)])
    shutil.rmtree(folder / "venv")
    return [folder / "weights" / f"{number}.skops" for number in range(count)]
