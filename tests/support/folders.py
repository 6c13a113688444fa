"""Folders with given files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_files(root: Path, files: Mapping[str, str | bytes | None]) -> Path:
    """The folder `root` with these files (path -> content) in it; those that are None are left out."""
    root.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        if content is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return root
