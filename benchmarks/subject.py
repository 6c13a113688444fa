"""envbuild's side: the command as a person gives it, with a cache of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import engine, needs
from .errors import BenchError
from .processes import Run, environment, run
from .workspace import Workspace


@dataclass(slots=True)
class Envbuild:
    """`envbuild image` into the engine. `diff_ids` are the layers of the last image made, bottom first."""

    workspace: Workspace
    cache: Path
    tag: str
    diff_ids: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        """What its processes get."""
        return environment(ENVBUILD_CACHE_DIR=str(self.cache))

    def command(self, model: Path, *options: str, tag: str = "") -> list[str | Path]:
        """The command line; the server is envbuild's own where `options` name none."""
        server = () if "--server" in options else ("--server", "envbuild")
        words = ["image", str(model), "--tag", tag or self.tag, "--output", "docker", "--json"]
        return [needs.envbuild(), *words, *server, *options]

    def empty(self) -> None:
        """An empty cache, and an engine without our image."""
        shutil.rmtree(self.cache, ignore_errors=True)
        self.workspace.forget(self.tag)

    def build(
        self, model: Path, *options: str, tag: str = "", started: Callable[[int], None] | None = None
    ) -> tuple[Run, dict[str, Any]]:
        """Build; the run, and the JSON that it printed."""
        done = run(self.command(model, *options, tag=tag), env=self.environment(), started=started)
        result: dict[str, Any] = json.loads(done.stdout)
        self.workspace.built(tag or self.tag)
        self.diff_ids = tuple(layer["diff_id"] for layer in result["layers"])
        return done, result

    def cold(
        self, model: Path, *options: str, started: Callable[[int], None] | None = None
    ) -> tuple[Run, dict[str, Any]]:
        """Build with an empty cache into an engine that lacks every layer. BenchError if something was there."""
        self.empty()
        done, result = self.build(model, *options, started=started)
        if any(layer["cached"] for layer in result["layers"]) or result["sent"] < 0.9 * result["size"]:
            raise BenchError("a cold build of envbuild found layers: the cache or the engine was not empty")
        return done, result

    def shared_with(self) -> list[str]:
        """Images of others that hold our lowest layer, so that a cold load sends what the engine has."""
        return engine.sharers(self.diff_ids, [*self.workspace.images, *_ids(self.workspace.images)])

    def help(self) -> str:
        """`envbuild image --help`."""
        return run([needs.envbuild(), "image", "--help"]).stdout


def warm_up(subject: Envbuild, model: Path) -> None:
    """Build once into a folder: the bytecode of envbuild is written, the page cache is warm, the layers are known."""
    layout = subject.workspace.folder / "warm-up"
    words = ["image", str(model), "--server", "envbuild", "--output", f"oci-dir={layout}", "--json"]
    done = run([needs.envbuild(), *words], env=subject.environment())
    subject.diff_ids = tuple(layer["diff_id"] for layer in json.loads(done.stdout)["layers"])
    shutil.rmtree(layout)


def _ids(images: list[str]) -> list[str]:
    """The ids of the images that are there."""
    if not images:
        return []
    words = ["docker", "image", "inspect", "--format", "{{.Id}}", *images]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()
