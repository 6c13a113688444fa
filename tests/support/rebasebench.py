"""Bases, images and rebased images of a tiny model, made in this process with one cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinybases import write_base

from envbuild import api
from envbuild.attesting.opened import Opened
from envbuild.built import Built
from envbuild.describing import Wanted
from envbuild.looking import look
from envbuild.oci.store import Store
from envbuild.options import Options, PushOptions
from envbuild.progress import Progress
from envbuild.rebasing.flow import Wish, rebase
from envbuild.rebasing.types import Rebased

# What the compiled module of the model's packages asks of a base.
LIBRARIES = ("libgomp.so.1", "libz.so.1")


class Listener(Progress):
    """Keeps what a person would read."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@dataclass
class Bench:
    """Makes bases, images and rebased images in a folder, with one cache for all builds."""

    folder: Path
    model: Path
    cache: Path
    counter: int = 0
    listener: Listener = field(default_factory=Listener)

    @property
    def store(self) -> Store:
        return Store(self.cache / "store")

    def new(self, name: str) -> Path:
        self.counter += 1
        return self.folder / f"{name}{self.counter}"

    def base(self, **settings: Any) -> str:
        """A base that has what the model's packages ask for, unless `settings` say otherwise."""
        return write_base(self.new("base"), **{"libraries": LIBRARIES, "salt": str(self.counter), **settings})

    def build(self, base: str, *, output: str = "oci-dir", **choices: Any) -> Built:
        path = self.new("image")
        options = Options(**{"server": "envbuild", "bytecode": "off", "base": base, "cache": self.cache, **choices})
        model = api.load(self.model, options=options)
        return api.build(model, tags=["tiny"], output=f"{output}={path}", options=options)

    def rebase(self, image: object, base: str, *, output: str = "oci-dir", **wishes: Any) -> Rebased:
        self.listener = Listener()
        wish = Wish(image=str(image), base=base, tags=("tiny",), output=f"{output}={self.new('image')}", **wishes)
        return rebase(wish, self.store, self.listener)

    @contextmanager
    def empty_cache(self) -> Iterator[None]:
        """As on a machine that knows nothing of any build."""
        kept, self.cache = self.cache, self.new("cache")
        try:
            yield
        finally:
            self.cache = kept

    def written(self) -> list[str]:
        """The images that there are."""
        return sorted(path.name for path in self.folder.iterdir() if path.name.startswith("image"))


def opened(path: object, store: Store) -> Opened:
    with look(str(path), store) as found:
        return found


def pushed(bench: Bench, base: str, *names: str, attach: Wanted | None = None, **choices: Any) -> Built:
    options = Options(**{"server": "envbuild", "bytecode": "off", "base": base, "cache": bench.cache, **choices})
    model = api.load(bench.model, options=options)
    return api.build(model, tags=names, push=PushOptions(), attach=attach, options=options)


def moved(bench: Bench, image: str, base: str, *names: str, store: Store | None = None, **wishes: Any) -> Rebased:
    """Rebase an image of a registry into registries, on a machine whose cache knows nothing of it."""
    bench.listener = Listener()
    wish = Wish(**{"image": image, "base": base, "tags": names, "push": PushOptions(), **wishes})
    return rebase(wish, store or Store(bench.new("cache") / "store"), bench.listener)
