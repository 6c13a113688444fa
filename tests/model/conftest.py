from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from folders import write_files

from envbuild.model import read
from envbuild.model.types import Model

MLMODEL = "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    python_version: 3.11.7\n"


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], Path]:
    """Makes a model folder of the given files; a minimal MLmodel is added unless one is given (None: left out)."""

    def make(files: Mapping[str, str | bytes | None] = {}, name: str = "model") -> Path:
        return write_files(tmp_path / name, {"MLmodel": MLMODEL, **files})

    return make


@pytest.fixture
def model(folder: Callable[..., Path]) -> Callable[..., Model]:
    """Reads a model folder made of the given files."""

    def make(files: Mapping[str, str | bytes | None] = {}, **options: object) -> Model:
        return read(folder(files), **options)  # type: ignore[arg-type]

    return make
