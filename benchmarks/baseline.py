"""MLflow's side: its own Dockerfile, written by its own command, built by the engine's classic builder."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uv

from . import base, engine
from .errors import BenchError
from .processes import Run, environment, run
from .workspace import Workspace

VERSION = "3.17.2"


@dataclass(slots=True)
class Mlflow:
    """MLflow's command in an environment of its own, and the context that it wrote last."""

    workspace: Workspace
    model: Path
    command: Path
    context: Path
    tag: str
    reference: str
    base_size: int

    def generate(self, model: Path) -> float:
        """Write the context of `model` anew; the seconds it took."""
        done = run(_generate(self.command, model, self.context), env=_environment())
        return done.seconds

    def build(self, *, cold: bool = False, started: Callable[[int], None] | None = None) -> Run:
        """`docker build` of the context; `cold` leaves the engine's build cache out."""
        # Without --force-rm a build that fails or is broken off leaves the container of its last step.
        words = ["docker", "build", "--force-rm", "--network", "host", "--tag", self.tag]
        if cold:
            words.append("--no-cache")
        done = run([*words, self.context], env=environment(**engine.CLASSIC), started=started)
        self.workspace.built(self.tag)
        return done


def ran(done: Run) -> int:
    """How many steps of a build ran in a container instead of coming from the build cache."""
    return done.stdout.count("---> Running in")


def prepare(workspace: Workspace, model: Path, archive: Path | None) -> Mlflow:
    """Install MLflow's command, write the first context, and make the base that it asks for."""
    folder = workspace.folder / "mlflow"
    run([uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, folder])
    # What `mlflow models generate-dockerfile` imports, and no more: see MLflow's own ModuleNotFoundError without.
    packages = [f"mlflow-skinny=={VERSION}", "numpy", "pandas"]
    run([uv.find_uv_bin(), "pip", "install", "--quiet", "--python", folder / "bin/python", *packages])
    context = workspace.folder / "context"
    command = folder / "bin/mlflow"
    run(_generate(command, model, context), env=_environment())
    found = re.search(r"^FROM (\S+)$", (context / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None or not found[1].startswith(f"python:{base.PYTHON}."):
        raise BenchError(f"MLflow's Dockerfile asks for no python:{base.PYTHON} image: {found and found[1]}")
    size = base.make(found[1], workspace, archive)
    return Mlflow(
        workspace=workspace,
        model=model,
        command=command,
        context=context,
        tag=workspace.tag("mlflow"),
        reference=found[1],
        base_size=size,
    )


def _generate(command: Path, model: Path, context: Path) -> list[str | Path]:
    return [command, "models", "generate-dockerfile", "--model-uri", model, "--output-directory", context]


def _environment() -> dict[str, str]:
    return environment(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true")
