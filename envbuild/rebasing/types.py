"""An image that is to get another base, taken apart, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..oci.types import Layer
from ..records import dataclass

if TYPE_CHECKING:
    from ..shipping.push import Pushed

How = Literal["base", "kept", "written"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A layer that envbuild laid on a base: its blob, what the history calls it, its annotations in the manifest.

    `how` tells whether it is the old image's, or was written anew for the new base.
    """

    layer: Layer
    title: str
    notes: Mapping[str, str] = field(default_factory=dict)
    how: How = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The record of an image; an empty one where it has none. `variables` and `labels` are names in their order."""

    value: Mapping[str, Any]
    variables: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def conda(self) -> str:
        """The version of the Python that conda packages bring; empty where it is the base's."""
        lock = self.value["lock"] if self.value else {}
        return str(lock["python"]) if lock.get("conda") else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """An image of envbuild. `old_config` is the image config of its base, `base` its layers, `own` envbuild's.

    `recorded` is what it says that it was made from.
    """

    old_config: Mapping[str, Any]
    base: tuple[Layer, ...]
    own: tuple[Part, ...]
    recorded: Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What is asked for, each with a file that asks, and what is brought along.

    `glibc` is the minor version of glibc 2, 0 where none is asked for. `packages` are the Python packages by their
    canonical names.
    """

    needed: Mapping[str, str]
    provided: frozenset[str]
    glibc: int
    glibc_asker: str
    packages: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Venv:
    """The Python of an image, as its virtual environment names that of the base: `/usr/bin/python3.11`, `3.11.2`.

    With `own` it is one of conda's packages in the image: what Python a base has is nothing to it.
    """

    executable: str
    version: str
    own: bool = False

    @property
    def minor(self) -> str:
        """`3.11` of `3.11.2`."""
        return ".".join(self.version.split(".")[:2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A base as an image names it: `name` is empty for one from a file."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RebasedLayer:
    """A layer of the new image; `size` is its blob's bytes."""

    title: str
    how: How
    size: int
    diff_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebased:
    """The image on its new base, and where it is.

    With `changed` False it is on that base already: then nothing was written, and the digests are the image's own.
    `sent` counts bytes given to the engine, written, or sent to registries where it went nowhere else.
    """

    image: str
    reference: str
    references: tuple[str, ...]
    changed: bool
    config_digest: str
    manifest_digest: str
    platform: str
    python: str
    before: Named
    after: Named
    layers: tuple[RebasedLayer, ...]
    size: int = 0
    sent: int = 0
    already: bool = False
    output: str = ""
    path: Path | None = None
    pushed: Pushed | None = None
    seconds: float = 0.0
