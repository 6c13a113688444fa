"""What a run found of registries."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..profiling import Phase
from .server import Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One push: seconds of the whole process, and bytes over the wire to the registry.

    Of envbuild's also how many blobs it sent, their bytes, and how many layers it had not seen itself.
    """

    seconds: float
    sent: int
    blobs: int = 0
    content: int = 0
    unseen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Pushes after a change of one byte of the model, which has `model` bytes in all.

    `builds` are seconds of the `docker build` before each of MLflow's pushes, `generate` those of MLflow's own command
    before each of them.
    """

    model: int
    envbuild: tuple[Push, ...]
    mlflow: tuple[Push, ...]
    builds: tuple[float, ...]
    generate: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Images of one kind in a registry of their own: bytes in its storage with `one` of them, and with all (`many`).

    `images` are the layers of each; `weights` those of them that hold the model.
    """

    one: int
    many: int
    images: tuple[tuple[Stored, ...], ...]
    weights: tuple[tuple[Stored, ...], ...]

    @property
    def one_aside(self) -> int:
        """The bytes with one image, but for the layers that hold its model."""
        return self.one - _bytes(self.weights[:1])

    @property
    def many_aside(self) -> int:
        """The same with all of them."""
        return self.many - _bytes(self.weights)

    def alone(self) -> list[tuple[str, int]]:
        """What made the layers that one image alone has, and their bytes for an image on the mean; largest first."""
        seen = [layer.digest for image in self.images for layer in image]
        found: dict[str, int] = {}
        for layer in (layer for image in self.images for layer in image):
            if seen.count(layer.digest) == 1:
                found[layer.made_by] = found.get(layer.made_by, 0) + layer.size
        mean = {name: size // len(self.images) for name, size in found.items()}
        return sorted(mean.items(), key=lambda item: (-item[1], item[0]))


def _bytes(images: tuple[tuple[Stored, ...], ...]) -> int:
    return sum({layer.digest: layer.size for image in images for layer in image}.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """A cold push of a first machine, and one of a second machine to the same name with a changed model.

    `wheels` and `second_wheels` count those in the caches afterwards, `model` the bytes of the model.
    """

    model: int
    first: tuple[Push, ...]
    second: tuple[Push, ...]
    wheels: tuple[int, ...]
    second_wheels: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The most resident bytes of a process tree, and its processes then, largest first."""

    resident: int
    processes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiled:
    """A build with the times of its phases; `registry_cpu` are CPU seconds of the registry meanwhile."""

    seconds: float
    phases: tuple[Phase, ...]
    registry_cpu: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Large:
    """A model file of `size` bytes: seconds of a bare hash of it, and of what is done with it, by its name.

    The names are `layout`, `push`, and with `_again` the same once more with nothing changed. `rest` are the bytes of
    the image's layers without the file; `bare` are seconds that the registry takes for the file from a client that does
    nothing else, `copied` those of a bare copy of the file.
    """

    size: int
    rest: int
    hashed: tuple[float, ...]
    bare: tuple[float, ...]
    copied: tuple[float, ...]
    seconds: dict[str, tuple[float, ...]]
    peaks: dict[str, Peak]
    profiles: dict[str, Profiled]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """All that a run found. `base_size` is that of MLflow's base in the engine."""

    machine: dict[str, str]
    base_size: int
    changes: Changes
    envbuild: Shelf
    mlflow: Shelf
    large: Large
    arrivals: Arrivals

    def as_json(self) -> dict[str, Any]:
        """The figures for machines."""
        return asdict(self)
