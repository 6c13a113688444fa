"""Images built by the command line into the engine, from one cache for all tests of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Build = Callable[..., dict[str, Any]]


@contextmanager
def building(cache: Path) -> Iterator[Build]:
    """Give a function that builds an image and returns the JSON result; what was built is removed in the end.

    It takes the model, the last part of the tag, further arguments of `envbuild image` and the exit code to expect.
    """
    made: list[str] = []

    def image(model: Path, name: str, *arguments: str, code: int = 0) -> dict[str, Any]:
        tag = f"envbuild-test/{name}:latest"
        command = [sys.executable, "-m", "envbuild", "image", str(model), "-t", tag, "--output", "docker", "--json"]
        environment = {**os.environ, "ENVBUILD_CACHE_DIR": str(cache)}
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == code, done.stderr
        if code:
            return {"stderr": done.stderr, "tag": tag}
        made.append(tag)
        return {**json.loads(done.stdout), "tag": tag}

    try:
        yield image
    finally:
        for tag in made:
            subprocess.run(["docker", "rmi", tag], capture_output=True, check=False)
