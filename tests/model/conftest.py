from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from envbuild.model import read
from envbuild.model.types import Model

MLMODEL = "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    python_version: 3.11.7\n"
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "models"


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], Path]:
    """Makes a model folder of the given files; a minimal MLmodel is added unless one is given (None: left out)."""

    def make(files: Mapping[str, str | bytes | None] = {}, name: str = "model") -> Path:
        root = tmp_path / name
        root.mkdir(exist_ok=True)
        for path, content in {"MLmodel": MLMODEL, **files}.items():
            if content is None:
                continue
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return make


@pytest.fixture
def model(folder: Callable[..., Path]) -> Callable[..., Model]:
    """Reads a model folder made of the given files."""

    def make(files: Mapping[str, str | bytes | None] = {}, **options: object) -> Model:
        return read(folder(files), **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def fixture_models() -> Path:
    return FIXTURES
