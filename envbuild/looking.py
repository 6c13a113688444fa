"""An image that is there already, opened to be looked at: in an engine, a registry, a folder or a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from . import platforms
from .errors import BaseImageError, EngineError, NetworkError, UsageError
from .progress import SILENT, Progress, Summary

if TYPE_CHECKING:
    from .attesting.opened import Opened
    from .oci.store import Store
    from .shipping.engine import Engine

FORMS = "NAME, oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, docker-daemon:NAME or docker://REGISTRY/NAME"
_LOCAL = ("oci", "oci-archive", "docker-archive", "docker-daemon")


@contextmanager
def look(
    name: str, store: Store, *, platform: str = "", insecure: bool = False, progress: Progress = SILENT
) -> Iterator[Opened]:
    """The image that `name` means, for `platform` or else the one there is, or this machine's.

    A path is a layout or an archive; any other name an image of the engine, else one of a registry; a prefix says which
    (see FORMS). `insecure` lets a registry speak plain http, or have a certificate that nobody vouches for. What is
    copied into the store first is told as the phases `read` and `fetch`. Raises UsageError, BaseImageError,
    EngineError, NetworkError, IntegrityError, StorageError.
    """
    wanted = platforms.canonical(platform) if platform else ""
    preferred = platforms.of_machine() or platforms.PLATFORMS[0]
    kind, rest, tag = _place(name)
    try:
        if kind == "oci":
            from .attesting.places import in_layout

            with in_layout(Path(rest), platform=wanted, preferred=preferred, reference=tag) as opened:
                yield opened
        elif kind in ("oci-archive", "docker-archive"):
            from .attesting.places import in_archive

            with in_archive(Path(rest), store, platform=wanted, preferred=preferred, reference=tag) as opened:
                yield opened
        else:
            engine, without = (None, "") if kind == "registry" else _engine(rest, required=kind == "docker-daemon")
            if engine is not None:
                yield _in_engine(engine, rest, store, progress)
                return
            with _in_registry(rest, store, wanted, preferred, progress, without, insecure=insecure) as opened:
                yield opened
    except BaseImageError as error:
        # Whoever reads blobs knows them as a base's.
        hint = "" if "base" in error.hint else error.hint
        raise BaseImageError(error.message.replace("the base has", "the image has"), hint=hint) from error


def registry_name(name: str) -> str:
    """What `name` is called in a registry. UsageError for what is on this machine."""
    kind, rest, _ = _place(name)
    if kind not in ("", "registry"):
        raise UsageError(
            f"{name} is on this machine, and a signature lies beside its image in a registry",
            hint="name it as the registry does: REGISTRY/NAME[:TAG] or REGISTRY/NAME@DIGEST",
        )
    return rest


def _in_engine(engine: Engine, name: str, store: Store, progress: Progress) -> Opened:
    from .attesting.places import saved

    progress.start("read", name)
    with engine.save(name) as stream:
        opened = saved(stream, store, name)
    size = sum(layer.size for layer in opened.layers)
    progress.done("read", Summary(count=len(opened.layers), noun="layers", size=size))
    return opened


@contextmanager
def _in_registry(
    name: str, store: Store, platform: str, preferred: str, progress: Progress, without: str, *, insecure: bool
) -> Iterator[Opened]:
    """`without` tells why no engine was asked, where one might have had it."""
    from .attesting.places import in_registry
    from .oci.registry import Registry
    from .oci.remote import parse_remote
    from .oci.transport import Transport

    image = parse_remote(name)
    with Transport(insecure=frozenset({image.domain} if insecure else ())) as transport:
        registry = Registry(image, transport)
        try:
            opened = in_registry(registry, store, image, platform=platform, preferred=preferred, progress=progress)
        except (BaseImageError, NetworkError) as error:
            if not without:
                raise
            # Whoever mistypes the name of an image of the engine did not think of a registry.
            kind = NetworkError if isinstance(error, NetworkError) else BaseImageError
            raise kind(f"{without}, and in the registry: {error.message}", hint=error.hint) from error
        yield opened


def _place(name: str) -> tuple[str, str, str]:
    """The kind of place, what it is called there, and a tag of a layout. UsageError for what names nothing."""
    kind, colon, rest = name.partition(":")
    if kind == "docker" and rest.startswith("//"):
        return "registry", rest.removeprefix("//"), ""
    if not (colon and kind in _LOCAL):
        kind, rest = _guess(name), name
    if not rest:
        raise UsageError(f"{name!r} names no image", hint=f"write {FORMS}")
    tag = ""
    if kind in ("oci", "oci-archive") and not Path(rest).exists() and ":" in rest:
        rest, _, tag = rest.rpartition(":")
    if kind in ("oci", "oci-archive", "docker-archive"):
        if not Path(rest).exists():
            raise UsageError(f"there is no {rest}", hint="check the path")
        if Path(rest).is_dir() != (kind == "oci"):
            what = "a folder" if Path(rest).is_dir() else "a file"
            raise UsageError(
                f"{rest} is {what}", hint="oci:DIR is a folder, oci-archive:FILE and docker-archive:FILE files"
            )
    return kind, rest, tag


def _guess(name: str) -> str:
    path = Path(name)
    if path.is_dir():
        return "oci"
    return "oci-archive" if path.is_file() else ""


def _engine(name: str, *, required: bool) -> tuple[Engine | None, str]:
    """The engine that has the image; else None, and why. EngineError where it has to have it."""
    from .shipping.engine import RefusedError, connect

    engine = connect(required=required)
    if engine is None:
        return None, "no container engine answers"
    try:
        has = engine.inspect_image(name) is not None
    except RefusedError:  # what cannot be a name
        has = False
    if has:
        return engine, ""
    lacks = f"{engine.info().title} has no image {name}"
    if required:
        raise EngineError(lacks, hint="`docker images` lists those that it has")
    return None, lacks
