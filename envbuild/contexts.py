"""The build context of a plan, with everything that it takes wired up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .bases.types import Base
from .oci.store import Store
from .options import Options, cache_dir
from .planner.types import Plan
from .progress import Progress
from .resolver.types import Lock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .backends.dockerfile.tools import Tool
    from .backends.dockerfile.types import Context


def context_of(
    plan: Plan, *, base: Base, lock: Lock, store: Store, options: Options, buildkit: bool, progress: Progress
) -> Context:
    """The context of `plan` by the docker choices of `options`; what goes along is fetched where it is missing."""
    from . import prepare
    from .backends.dockerfile.context import make_context
    from .backends.dockerfile.tools import bring_tools

    def bring(tools: Sequence[Tool]) -> None:
        bring_tools(
            tools,
            store=store,
            cache=cache_dir(options),
            python=base.interpreter.version,
            glibc=base.glibc,
            progress=progress,
        )

    return make_context(
        plan,
        base=base,
        lock=lock,
        store=store,
        options=options.docker,
        buildkit=buildkit,
        fetch=prepare.fetcher(lock, store, progress),
        bring_tools=bring,
    )
