from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from condas import conda_environment

from envbuild.model.types import Environment


@pytest.fixture
def environment() -> Callable[..., Environment]:
    """An environment as conda.yaml gives it: conda packages and pip requirements as texts."""
    return conda_environment


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    return tmp_path / "channel"
