"""Environments of packages that tests use as they are, each made once."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock
from interpreters import interpreter


def environment(parent: Path, name: str, minor: str, *requirements: str) -> Path:
    """Return the interpreter of an environment with the requirements; kept in ENVBUILD_TEST_CACHE, else in `parent`."""
    uv = shutil.which("uv") or pytest.importorskip("uv").find_uv_bin()
    parent = Path(os.environ.get("ENVBUILD_TEST_CACHE") or parent)
    digest = hashlib.sha256("\n".join((minor, *requirements)).encode()).hexdigest()[:12]
    folder = parent / f"{name}-{digest}"
    parent.mkdir(parents=True, exist_ok=True)
    # Test processes side by side share it: one makes it, the others wait.
    with FileLock(parent / f"{folder.name}.lock"):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            found = interpreter(minor)
            if found is None:
                pytest.skip(f"there is no Python {minor} on this machine")
            subprocess.run([uv, "venv", "-q", "--python", str(found), str(folder)], check=True)
            install = [uv, "pip", "install", "-q", "--python", str(folder / "bin" / "python"), *requirements]
            subprocess.run(install, check=True)
            (folder / "complete").touch()
    return folder / "bin" / "python"
