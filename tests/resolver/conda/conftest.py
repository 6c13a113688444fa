from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from condas import conda_environment, conda_lock_of_three

from envbuild.model.types import Environment
from envbuild.resolver.types import Lock


@pytest.fixture
def environment() -> Callable[..., Environment]:
    """An environment as conda.yaml gives it: conda packages and pip requirements as texts."""
    return conda_environment


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    return tmp_path / "channel"


@pytest.fixture
def lock() -> Lock:
    return conda_lock_of_three()
