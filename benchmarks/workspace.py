"""What a run makes, and takes away when it ends: a temporary folder, images and containers by their own names."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from . import engine

LABEL = "dev.envbuild.benchmark"
"""Carried, with the run as its value, by images that a Dockerfile made, and so by what its builder kept of them."""

PATIENCE = 30
"""How often, with a second between, what is left of a build is removed."""


@dataclass(slots=True)
class Workspace:
    """A context manager. `folder` is a temporary one; `run` tells this run's names from others'."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="envbuild-bench-")))
    run: str = field(default_factory=lambda: secrets.token_hex(3))
    images: list[str] = field(default_factory=list)
    containers: list[str] = field(default_factory=list)

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in self.containers:
            engine.remove_container(name)
        for image in reversed(self.images):
            engine.remove(image)
        self._clear(f"{LABEL}={self.run}")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _clear(self, label: str) -> None:
        """Remove what a Dockerfile made. The engine takes a while to end a build that was broken off."""
        for _ in range(PATIENCE):
            for container in engine.marked_containers(label):
                engine.remove_container(container)
            for image in engine.marked(label):
                engine.remove(image)
            if not engine.marked(label):
                return
            time.sleep(1)

    def tag(self, what: str) -> str:
        """A name for an image of this run, removed in the end."""
        name = f"envbuild-bench/{what}:{self.run}"
        self.keep(name)
        return name

    def keep(self, image: str) -> None:
        """Remember an image, by name or id, to be removed in the end."""
        if image not in self.images:
            self.images.append(image)

    def built(self, tag: str) -> str:
        """Remember the image that `tag` names now, which a later build may leave without a name; its id."""
        found = engine.image_id(tag)
        self.keep(found)
        return found

    def forget(self, tag: str) -> None:
        """Remove the image of `tag` and all earlier ones of this run that nothing names."""
        found = engine.inspect(tag)
        engine.remove(tag)
        if found is not None:
            engine.remove(str(found["Id"]))

    def container(self, what: str) -> str:
        """A name for a container of this run."""
        name = f"envbuild-bench-{what}-{self.run}-{len(self.containers)}"
        self.containers.append(name)
        return name
