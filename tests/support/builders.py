"""The docker clients of this machine, by what they can build with."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest


def buildkit_client() -> str:
    """A docker client that can have BuildKit build: one with buildx, or one old enough to do it itself."""
    for client in dict.fromkeys([shutil.which("docker") or "", "/usr/bin/docker"]):
        if not client or not Path(client).exists():
            continue
        version = subprocess.run([client, "--version"], capture_output=True, text=True, check=False).stdout
        major = re.search(r"version (\d+)", version)
        buildx = subprocess.run([client, "buildx", "version"], capture_output=True, check=False)
        if buildx.returncode == 0 or (major and 19 <= int(major[1]) < 23):
            return client
    pytest.skip("no docker client here can use BuildKit")
