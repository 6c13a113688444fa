"""cosign of newer Debian suites, unpacked into a folder: version 2 of one, version 3 of another."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from debs import unpacked

SUITES = ["trixie", "forky"]
PASSWORD = "the password of a key"


def fetch(suite: str, config: pytest.Config) -> Path:
    """The program cosign of a suite."""
    program = Path("usr/bin/cosign")
    root = unpacked(suite, ("cosign",), config.cache.mkdir(f"cosign-{suite}"), lambda root: (root / program).is_file())
    return root / program


def generate(cosign: Path, folder: Path, name: str) -> tuple[Path, Path]:
    """A new pair of keys, the private one encrypted with PASSWORD."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(cosign), "generate-key-pair", "--output-key-prefix", name]
    settings = {**os.environ, "COSIGN_PASSWORD": PASSWORD}
    subprocess.run(command, cwd=folder, env=settings, check=True, capture_output=True)
    return folder / f"{name}.key", folder / f"{name}.pub"


# A proxy that nobody is: what leaves this machine fails.
NO_WAY_OUT = {"HTTPS_PROXY": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1"}
