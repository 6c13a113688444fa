"""One way in to every kind of base."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

from ..errors import UsageError
from ..oci.store import Store
from ..progress import SILENT, Progress
from .catalogue import IMAGE_KINDS, choose, other_pythons
from .debian import open_debian, suite_of
from .suites import ARCHITECTURES
from .types import Base, Foreseen

# The engine's `save`: a reference to a readable docker archive; its `inspect`: a reference to what it knows.
Save = Callable[[str], AbstractContextManager[BinaryIO]]
Inspect = Callable[[str], Mapping[str, Any] | None]


def open_base(
    name: str,
    store: Store,
    *,
    platform: str = "linux/amd64",
    refresh: bool = False,
    locked: bool = False,
    progress: Progress = SILENT,
    save: Save | None = None,
    inspect: Inspect | None = None,
    foreseen: Callable[[Foreseen], None] | None = None,
    apt: Sequence[str] = (),
) -> Base:
    """The base `name`, its layers in `store`: `debian:SUITE` or an image, as `choose` gives them.

    `refresh` takes the newest packages instead of the locked ones; with `locked` a tag of a registry that is another
    image than it was last is a BaseImageError. `save` and `inspect` are a container engine's,
    for `docker-daemon:REF` only. `apt` are packages of the distribution that come in addition, for an assembled base
    only. Reports the phase `base`. Opened once, a base needs no network, but for a tag of a
    registry, which may have moved: where its registry does not answer, what the tag was last is taken.
    `foreseen` is called before a base is made, if it is known already what it will be.
    Raises UsageError, BaseImageError, NetworkError, IntegrityError, StorageError.
    """
    system, _, architecture = platform.partition("/")
    architecture = architecture.partition("/")[0]
    if system != "linux" or not architecture:
        raise UsageError(f"the platform {platform!r} cannot be built", hint="write linux/amd64")
    suite = suite_of(name)
    if suite is not None:
        debian = {oci: ours for ours, (oci, *_) in ARCHITECTURES.items()}.get(architecture, architecture)
        return open_debian(
            suite, store, architecture=debian, refresh=refresh, progress=progress, foreseen=foreseen, apt=apt
        )
    choice = choose(name, "", python_source="")
    if apt:
        raise UsageError(
            f"--apt {apt[0]}: packages can be added to an assembled base, and {name} is an image",
            hint=f"take {other_pythons()}; or build an image FROM this one whose Dockerfile installs {' '.join(apt)}, "
            "and name that with --base",
        )
    if name.partition(":")[0] not in IMAGE_KINDS:
        from .remote import open_remote

        return open_remote(
            choice.name, store, platform=platform, architecture=architecture, progress=progress, locked=locked
        )
    from .images import open_image

    return open_image(
        name, store, platform=platform, architecture=architecture, progress=progress, save=save, inspect=inspect
    )
