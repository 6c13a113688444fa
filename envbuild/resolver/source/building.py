"""The builder of one resolution; nothing heavy is loaded before one is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...progress import Progress
from ...servers.types import Server
from ..asking import Wish

if TYPE_CHECKING:
    from .bench import Bench
    from .builder import Builder


def builder_for(wish: Wish, edition: Server, *, cache: Path, bench: Bench | None, progress: Progress) -> Builder:
    """What builds from source for `wish`; without `bench` it only takes what was built before."""
    from ...oci.store import Store
    from .builder import Builder

    return Builder(
        wish.allow_build,
        wish.platform,
        bench.store if bench is not None else Store(cache / "store"),
        bench=bench,
        cache=cache / "uv",
        environ=wish.variables(edition)[0],
        progress=progress,
    )
