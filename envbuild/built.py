"""What a build made, whichever backend made it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .records import dataclass

if TYPE_CHECKING:
    from .local.checks import Trial
    from .planner.types import Decision, Plan
    from .resolver.types import Lock
    from .shipping.push import Pushed


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltLayer:
    """A layer of the finished image. `size` is its blob's bytes, `cached` tells that it was there before.

    An `unseen` one is only in the registry, where an earlier build pushed it: this build did not look into it.
    """

    title: str
    kind: str
    size: int
    cached: bool
    why: str
    diff_id: str
    unseen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What `build` made and where it is.

    `reference` is the first tag, or the path written; `sent` counts bytes given to the engine, `omitted` layers it
    had; `engine` is empty where none took part; `seconds` is the whole call's time. `backend` made it; with `docker`
    `builder` is `classic` or `buildkit`, `sent` the bytes of the build context, and `manifest_digest` may be empty.
    With `pushed` the image is in registries too, and its manifest has another digest there: its layers are compressed.
    `images` are those of an index, one a platform; the value is then that of the first, and `size` that of all.
    `trial` is what was tried before the image got its name, None where nobody asked for it. `index_digest` is that of
    the index which holds the image with its attestations, empty where none were asked for.
    """

    reference: str
    references: tuple[str, ...]
    config_digest: str
    manifest_digest: str
    plan: Plan
    lock: Lock
    layers: tuple[BuiltLayer, ...]
    size: int
    sent: int
    omitted: int
    already: bool
    output: str
    path: Path | None
    engine: str
    seconds: float
    decisions: tuple[Decision, ...]
    backend: str = "assemble"
    builder: str = ""
    trial: Trial | None = None
    index_digest: str = ""
    pushed: Pushed | None = None
    images: tuple[Built, ...] = ()
