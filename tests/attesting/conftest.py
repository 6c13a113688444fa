"""What a build knows of a tiny image."""

from __future__ import annotations

from pathlib import Path

import pytest
import tinyimages
from tinyimages import Made


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return tinyimages.make(tmp_path)
