"""The Pythons of this machine, for tests that compare them."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path


@functools.cache
def interpreter(minor: str) -> Path | None:
    """A Python `minor` (`3.10`) that runs, or None. A version manager's stand-in on PATH may be there and not run."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [*sorted(root.glob(f"{minor}.*/bin/python{minor}"), reverse=True), shutil.which(f"python{minor}")]
    for candidate in found:
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return Path(candidate)
    return None
