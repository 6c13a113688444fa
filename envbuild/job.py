"""One model on its way to an image, as every step of the work takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, BinaryIO

from .model.types import Model
from .oci.store import Store
from .options import Options, cache_dir
from .progress import SILENT, Progress
from .records import dataclass
from .servers.types import Server

if TYPE_CHECKING:
    from .recalling import Recalling
    from .shipping.engine import Engine

Save = Callable[[str], AbstractContextManager[BinaryIO]]
Inspect = Callable[[str], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """How a base is read from a container engine; all None where there is none."""

    save: Save | None = None
    inspect: Inspect | None = None
    engine: Engine | None = None

    @classmethod
    def of(cls, engine: Engine | None) -> Images:
        """Through `engine`."""
        return cls(save=engine.save, inspect=engine.inspect_image, engine=engine) if engine else cls()

    @classmethod
    def connected(cls, options: Options) -> Images:
        """Through whichever engine answers, where the base needs one."""
        if not options.base.startswith("docker-daemon:"):
            return cls()
        from .shipping.engine import connect

        return cls.of(connect(required=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The model, what serves it and why, what was asked, where bases come from and blobs lie, and who listens.

    `options` name the platform; `platform_why` says who chose it. `recalling` knows what a registry has of earlier
    builds, None where none is asked. `builds` tells that packages may be built from source, as the options say.
    """

    model: Model
    server: Server
    server_why: str
    options: Options
    store: Store
    images: Images
    progress: Progress = SILENT
    platform_why: str = ""
    recalling: Recalling | None = None
    builds: bool = True

    @classmethod
    def of(
        cls,
        model: Model,
        options: Options,
        store: Store,
        images: Images,
        progress: Progress,
        *,
        platform_why: str = "",
        recalling: Recalling | None = None,
    ) -> Job:
        """With the server that `options` name, or that fits the model. Raises UsageError for one that does not."""
        from .bringing import server_for
        from .platforms import likely
        from .servers import choose_server

        server, why = choose_server(options.server, model.environment, likely(options))
        return cls(
            model=model,
            server=server_for(server, options),
            server_why=why,
            options=options,
            store=store,
            images=images,
            progress=progress,
            platform_why=platform_why,
            recalling=recalling,
        )


def open_store(options: Options) -> Store:
    """The store in the cache folder."""
    return Store(cache_dir(options) / "store")
