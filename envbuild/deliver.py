"""Where an image goes: settled and checked before any work, carried out after it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from .errors import UsageError
from .model.types import Model
from .oci.reference import Reference, parse_reference
from .oci.store import Store
from .oci.types import Image, ImageIndex
from .options import PushOptions
from .progress import Progress, Summary
from .records import dataclass
from .shipping.engine import connect

if TYPE_CHECKING:
    from .shipping.engine import Engine
    from .shipping.push import Pushed, Signer

Kind = Literal["docker", "oci-dir", "oci-archive", "docker-archive", "registry"]
FILES: tuple[Kind, ...] = ("oci-dir", "oci-archive", "docker-archive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where an image goes. `path` is None for an engine, `engine` None for a file, both for a registry alone.

    `push` tells how it goes to the registries of its names as well, None where it does not; `signer` signs it there.
    `why` tells a choice that was made for the person, and is empty where they chose.
    """

    kind: Kind
    path: Path | None
    references: tuple[Reference, ...]
    engine: Engine | None = None
    push: PushOptions | None = None
    signer: Signer | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What was delivered: its name or path, the bytes sent or written, and the layers that were there already.

    `pushed` is what went to registries, and `sent` counts it where it went nowhere else. `index_digest` is that of the
    index which holds the image with what is attached to it, empty for an image alone.
    """

    reference: str
    sent: int
    omitted: int = 0
    already: bool = False
    engine: str = ""
    pushed: Pushed | None = None
    index_digest: str = ""


def check_output(output: str, tags: Sequence[str]) -> tuple[Kind | None, Path | None]:
    """The kind and the path that `output` names, None for what it leaves open; nothing is touched.

    Raises `UsageError` for an output or a name that does not read well.
    """
    for tag in tags:
        parse_reference(tag)
    if not output:
        return None, None
    kind, separator, name = output.partition("=")
    if kind == "docker":
        if separator:
            raise UsageError(f"--output {output}: docker takes no path", hint="the name of the image goes with -t")
        if not tags:
            raise UsageError("an image in an engine needs a name", hint="add -t NAME[:TAG]")
        return "docker", None
    if kind not in FILES:
        known = ", ".join(["docker", *(f"{file}=PATH" for file in FILES)])
        raise UsageError(f"--output {output}: not known", hint=f"one of {known}")
    if not name:
        raise UsageError(f"--output {output}: a path is missing", hint=f"write {kind}=PATH")
    return kind, Path(name)


def check_backend(backend: str, output: str, *, push: bool = False) -> None:
    """UsageError for an output that `backend` does not have."""
    if backend == "docker" and push:
        raise UsageError(
            "--push: --backend docker builds in an engine, and leaves the image there",
            hint="`docker push NAME` pushes it afterwards; --backend assemble pushes without an engine",
        )
    if backend == "docker" and output not in ("", "docker"):
        raise UsageError(
            f"--output {output}: --backend docker builds in an engine, and leaves the image there",
            hint="`docker save -o image.tar NAME` writes it to a file afterwards; --backend assemble writes any output",
        )


def destination(output: str, tags: Sequence[str], model: Model, push: PushOptions | None = None) -> Destination:
    """Settle where the image of `model` goes, as `destination_of` does."""
    return destination_of(output, tags, model.root.name, push)


def destination_of(output: str, tags: Sequence[str], name: str, push: PushOptions | None = None) -> Destination:
    """Settle where the image goes. Raises `UsageError` or `EngineError` before any work is done.

    `name` is what a file is called where nothing else names it. For a registry that may not be pushed to it raises
    `RegistryError` or `NetworkError`.
    """
    kind, path = check_output(output, tags)
    references = tuple(parse_reference(tag) for tag in tags)
    if push is None:
        return _local(kind, path, references, name)
    from .shipping.push import check_access, check_names

    check_names(references)
    signer = None
    if push.sign_key:
        from .signing.sign import signer_for

        signer = signer_for(push.sign_key)
    goal = Destination(kind="registry", path=None, references=references)
    if kind is not None:
        goal = _local(kind, path, references, name)
    check_access(references, insecure=push.insecure)
    return replace(goal, push=push, signer=signer)


def _local(kind: Kind | None, path: Path | None, references: tuple[Reference, ...], name: str) -> Destination:
    """An engine or a file of this machine."""
    if kind is not None and path is not None:
        if not path.absolute().parent.is_dir():
            raise UsageError(f"{path.parent} is not a folder", hint="make it first, or name another path")
        if kind != "oci-dir" and path.is_dir():
            raise UsageError(f"{path} is a folder", hint=f"name a file: --output {kind}={path}/image.tar")
        return Destination(kind=kind, path=path, references=references)
    engine = connect(required=kind == "docker")
    if engine is None:
        file = _file_name(references, name)
        why = f"no container engine answers: the image goes to a file, as with --output oci-archive={file}"
        return Destination(kind="oci-archive", path=Path(file), references=references, why=why)
    if not references:
        raise UsageError("an image in an engine needs a name", hint="add -t NAME[:TAG]")
    why = "" if kind else f"{engine.info().title} answers: the image goes there, as with --output docker"
    return Destination(kind="docker", path=None, references=references, engine=engine, why=why)


def deliver(
    whole: Image | ImageIndex,
    goal: Destination,
    store: Store,
    progress: Progress,
    push: Callable[[], Pushed] | None = None,
) -> Delivered:
    """Load the image into the engine or write it to its path, and have `push` push it where `goal` asks for it."""
    if goal.kind == "registry":
        delivered = None
    elif goal.engine is not None:
        delivered = _load(cast(Image, whole), goal, goal.engine, store, progress)
    else:
        delivered = _write(whole, goal, store, progress)
    if goal.push is None or push is None:
        return cast(Delivered, delivered)
    pushed = push()
    if delivered is None:
        return Delivered(reference=pushed.references[0], sent=pushed.sent, pushed=pushed)
    return replace(delivered, pushed=pushed)


def _load(image: Image, goal: Destination, engine: Engine, store: Store, progress: Progress) -> Delivered:
    from .shipping.load import load

    progress.start("load", goal.references[0].familiar, total=image.size)
    loaded = load(image, goal.references, store, engine, progress)
    what = "was there already" if loaded.already else ""
    if loaded.omitted:
        what = f"{loaded.omitted} layer{'s' if loaded.omitted > 1 else ''} there already"
    progress.done("load", Summary(count=len(image.layers), noun="layers", size=loaded.sent, detail=what))
    return Delivered(
        reference=loaded.reference,
        sent=loaded.sent,
        omitted=loaded.omitted,
        already=loaded.already,
        engine=engine.info().title,
    )


def _write(whole: Image | ImageIndex, goal: Destination, store: Store, progress: Progress) -> Delivered:
    path = cast(Path, goal.path)
    images = whole.images if isinstance(whole, ImageIndex) else (whole,)
    written = sum(image.size for image in images)
    progress.start("write", str(path), total=written)
    if goal.kind == "oci-dir":
        from .oci.layout import write_layout

        write_layout(whole, goal.references, store, path)
    else:
        from .oci.archive import write_archive

        kind: Literal["oci", "docker"] = "docker" if goal.kind == "docker-archive" else "oci"
        written = write_archive(whole, goal.references, store, path, kind=kind)
    count = sum(len(image.layers) for image in images)
    progress.done("write", Summary(count=count, noun="layers", size=written, detail=str(path)))
    digest = whole.digest if isinstance(whole, ImageIndex) else ""
    return Delivered(reference=f"{goal.kind}:{path}", sent=written, index_digest=digest)


def _file_name(references: Sequence[Reference], name: str) -> str:
    """`NAME.tar`, from the first tag, else from `name`."""
    name = references[0].familiar if references else name or "image"
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name.removesuffix(":latest")).strip("-") + ".tar"
