"""A road of one's own with an empty cache, and an index that has what the envbuild server brings for scripts, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tinyindex import write_tiny_index
from tinyroad import Road, laid


@pytest.fixture(scope="session")
def tiny_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tiny wheels with index pages."""
    return write_tiny_index(tmp_path_factory.mktemp("index"))


@pytest.fixture
def road(tmp_path: Path, tiny_index: Path) -> Iterator[Road]:
    """A road of one's own with an empty cache."""
    with laid(tmp_path, tiny_index) as road:
        yield road
