"""What all servers are started from: one environment of pinned packages, the models, and envbuild's runtime."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uv

from ..errors import BenchError
from ..measuring import say
from ..processes import environment, run

HERE = Path(__file__).resolve().parent
INSIDE = HERE / "inside"
REQUIREMENTS = HERE / "requirements.txt"
_RUNTIME = HERE.parent.parent / "envbuild" / "runtime"
NAMED = ("mlflow-skinny", "azureml-inference-server-http", "gunicorn", "flask", "uvicorn", "starlette", "fastapi",
         "h11", "httptools", "orjson", "numpy", "pandas", "scikit-learn")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model on disk. `folder` holds `1/model` and the bodies; `answer` is what the model itself predicts."""

    key: str
    title: str
    folder: Path
    answer: tuple[float, ...]

    @property
    def version(self) -> Path:
        """The folder that holds `model`; its name is a number, as under Azure ML."""
        return self.folder / "1"

    def body(self, path: str) -> Path:
        """The file of a request to `/invocations` or `/score`."""
        return self.folder / f"{path.strip('/')}.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where the packages, the models and the runtime are; `versions` of the packages by name."""

    folder: Path
    versions: dict[str, str]
    models: tuple[Model, ...]

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.folder / "venv/bin/python"

    @property
    def site(self) -> Path:
        """A folder with the runtime under the name that it has in images."""
        return self.folder / "site"


TITLES = {
    "linear": "a linear regression, three rows of ten doubles",
    "forest": "a forest of 50 trees, three rows of ten doubles",
    "tensor": "the mean of a (1, 224, 224, 3) tensor of float32",
}


def prepare(folder: Path) -> Environment:
    """Make everything in `folder`, with the bytecode of all of it. BenchError if a package or a model fails."""
    venv, site = folder / "venv", folder / "site"
    say("the servers' environment")
    run([uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, venv])
    pip: list[str | Path] = [uv.find_uv_bin(), "pip", "install", "--quiet", "--compile-bytecode"]
    run([*pip, "--python", venv / "bin/python", "--requirements", REQUIREMENTS])
    shutil.copytree(_RUNTIME, site / "envbuild_runtime", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(INSIDE, folder / "script", ignore=shutil.ignore_patterns("__pycache__"))
    run([venv / "bin/python", "-m", "compileall", "-q", site, folder / "script"])
    say("the models")
    run([venv / "bin/python", INSIDE / "models.py", folder / "models"], env=quiet(), folder=folder)
    return Environment(
        folder=folder, versions=_versions(), models=tuple(_model(folder / "models", key) for key in TITLES)
    )


def quiet(**changes: str) -> dict[str, str]:
    """This process's environment, in which no library tells anybody of its use."""
    return environment(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", GIT_PYTHON_REFRESH="quiet", **changes)


def _model(folder: Path, key: str) -> Model:
    answer: Any = json.loads((folder / key / "answer.json").read_text(encoding="utf-8"))
    if not isinstance(answer, list) or not answer:
        raise BenchError(f"the model {key} answers {str(answer)[:200]} by itself")
    return Model(key=key, title=TITLES[key], folder=folder / key, answer=tuple(answer))


def _versions() -> dict[str, str]:
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==", 1) for line in lines if "==" in line)
