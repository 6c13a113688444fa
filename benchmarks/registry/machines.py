"""envbuild on machines of their own: each a home and a cache, empty at first."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import needs
from ..processes import Run, environment, run
from .results import Push


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A home folder, with the cache in it."""

    home: Path

    @property
    def cache(self) -> Path:
        """envbuild's cache."""
        return self.home / "cache"

    def environment(self) -> dict[str, str]:
        """What its processes get: nothing of this machine's own home."""
        here = {"HOME": str(self.home), "ENVBUILD_CACHE_DIR": str(self.cache)}
        kept = {key: value for key, value in environment(**here).items() if not key.startswith("XDG_")}
        return {key: value for key, value in kept.items() if key != "UV_CACHE_DIR"}

    def image(
        self, model: Path, name: str, *options: str, started: Callable[[int], None] | None = None
    ) -> tuple[Run, dict[str, Any]]:
        """`envbuild image MODEL --tag NAME` with `options`: the run, and the JSON that it printed."""
        words = ["image", str(model), "--tag", name, "--server", "envbuild", "--json", *options]
        done = run([needs.envbuild(), *words], env=self.environment(), started=started)
        result: dict[str, Any] = json.loads(done.stdout)
        return done, result

    def wheels(self) -> int:
        """How many wheels its cache holds: archives with the file that every wheel has."""
        return sum(_is_wheel(path) for path in self.cache.glob("store/blobs/sha256/*"))

    def copied(self, home: Path) -> Machine:
        """Another machine that knows the same."""
        shutil.copytree(self.home, home, symlinks=True)
        return Machine(home=home)


def made(folder: Path) -> Machine:
    """A machine in an empty home."""
    folder.mkdir(parents=True)
    return Machine(home=folder)


def as_push(done: Run, result: dict[str, Any], sent: int) -> Push:
    """What a push took; `sent` are the bytes that went over the wire."""
    pushed = result["pushed"]
    return Push(
        seconds=done.seconds,
        sent=sent,
        blobs=pushed["blobs"]["sent"],
        content=pushed["sent"],
        unseen=sum(layer["unseen"] for layer in result["layers"]),
    )


def _is_wheel(path: Path) -> bool:
    with suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        return any(name.endswith(".dist-info/WHEEL") for name in archive.namelist())
    return False
