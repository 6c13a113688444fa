"""Bases that are images already: in an engine, in an archive, in an OCI layout. Imported once, then remembered."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from ..errors import BaseImageError, CorruptBlobError, EngineError, IntegrityError
from ..model.content import shows_changes
from ..oci.canonical import sha256_digest
from ..oci.store import Store
from ..progress import Progress, Summary
from . import discover
from .manifest import recall, remember
from .types import Base, Interpreter

if TYPE_CHECKING:
    from ..oci.reading import StoredImage
    from .opening import Inspect, Save

# The revision of what is found out about an image.
REVISION = 1
_RUN_SECONDS = 60


def open_image(
    name: str,
    store: Store,
    *,
    platform: str,
    architecture: str,
    progress: Progress,
    save: Save | None,
    inspect: Inspect | None,
) -> Base:
    """The image that `name` (`docker-daemon:REF`, `oci:DIR`...) means, for `platform`.

    Raises BaseImageError, EngineError, IntegrityError, StorageError.
    """
    kind, _, rest = name.partition(":")
    key = ""
    if kind == "docker-daemon":
        image_id = _image_id(rest, save, inspect)
        key = f"docker:{image_id}" if image_id else ""
    else:
        path, tag = _path_and_tag(kind, rest)
        key = f"{kind}:{_fingerprint(kind, path)}:{tag}"
    full_key = f"base-image:{REVISION}:{platform}:{key}"
    progress.start("base", name)
    base = recall(store, full_key, name=name) if key else None
    cached = base is not None
    if base is None:
        try:
            image = _save(rest, store, save) if kind == "docker-daemon" else _read(kind, path, tag, store, platform)
            base = describe(name, image, store, architecture)
        except (BaseImageError, IntegrityError) as error:
            if isinstance(error, CorruptBlobError) or name in error.message or rest in error.message:
                raise
            # Whoever reads blobs knows no base: the name that the person typed leads to the mistake.
            raise type(error)(f"the base {name}: {error.message}", hint=error.hint) from error
        if key:
            remember(store, full_key, base)
    progress.done("base", summary_of(base, cached=cached))
    return base


def describe(name: str, image: StoredImage, store: Store, architecture: str, *, registry: bool = False) -> Base:
    """What is to know of an image whose layers are in the store. BaseImageError for one that cannot be a base."""
    from .tree import read_tree

    built_for = str(image.config.get("architecture", ""))
    system = str(image.config.get("os", "linux"))
    if built_for != architecture or system != "linux":
        raise BaseImageError(
            f"{name} is an image for {system}/{built_for}, this build is for linux/{architecture}",
            hint=f"choose an image for linux/{architecture}, or another --platform",
        )
    tree = read_tree(store, image.layers)
    executable, prefix = discover.find_interpreter(tree, image.config, name)
    glibc = discover.find_glibc(tree, name)
    version = discover.static_version(tree, executable, prefix, discover.environment(image.config))
    base = Base(
        name=name,
        digest=image.manifest_digest,
        architecture=architecture,
        interpreter=Interpreter(version=version, executable=executable, home=prefix),
        glibc=glibc,
        layers=image.layers,
        config=image.config,
        packages=discover.find_packages(tree),
        registry=registry,
    )
    if not version:
        # It could be asked by running it; a foreign image's programs are not run on this machine for that.
        raise BaseImageError(
            f"the version of {executable} in {name} could not be found out: no file of the image tells it",
            hint="give the image an environment variable PYTHON_VERSION, or choose another base",
        )
    return base


def _image_id(reference: str, save: Save | None, inspect: Inspect | None) -> str:
    if save is None:
        raise EngineError(
            f"docker-daemon:{reference} needs a container engine, and none answers",
            hint="start the engine, or write the image to a file and use --base docker-archive:FILE",
        )
    if inspect is None:
        return ""
    known = inspect(reference)
    if known is None:
        raise BaseImageError(
            f"the engine has no image {reference}", hint=f"`docker pull {reference}` or `docker images` first"
        )
    return str(known.get("Id", ""))


def _save(reference: str, store: Store, save: Save | None) -> StoredImage:
    from ..oci.reading import read_docker_archive

    assert save is not None  # _image_id has seen to it
    with save(reference) as stream:
        return read_docker_archive(stream, store)


def _read(kind: str, path: Path, tag: str, store: Store, platform: str) -> StoredImage:
    from ..oci import reading

    if kind == "oci":
        return reading.read_oci_layout(path, store, platform=platform, reference=tag)
    if kind == "oci-archive":
        return reading.read_oci_archive(path, store, platform=platform, reference=tag)
    import gzip

    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if not packed:
            return reading.read_docker_archive(raw, store)
        try:
            with gzip.GzipFile(fileobj=raw) as plain:
                return reading.read_docker_archive(cast(BinaryIO, plain), store)
        except (EOFError, gzip.BadGzipFile) as error:
            raise BaseImageError(f"{path} cannot be read: {error}") from None


def _path_and_tag(kind: str, rest: str) -> tuple[Path, str]:
    """`base/dir:1.0` is a folder and a tag, unless a folder or file has just that name."""
    path, tag = Path(rest), ""
    if kind != "docker-archive" and not path.exists() and ":" in rest:
        before, _, tag = rest.rpartition(":")
        path = Path(before)
    if not path.exists():
        raise BaseImageError(f"there is no {path}, which the base {kind}:{rest} names", hint="check the path")
    if not path.is_dir() and not path.is_file():
        raise BaseImageError(f"{path} is neither a file nor a folder")
    if path.is_dir() != (kind == "oci"):
        what = "a folder" if path.is_dir() else "a file"
        fit = "oci:DIR" if path.is_dir() else "oci-archive:FILE or docker-archive:FILE"
        raise BaseImageError(f"the base {kind}:{rest} names {what}", hint=f"for {what} write {fit}")
    return path, tag


def _fingerprint(kind: str, path: Path) -> str:
    """Changes when the image does: a layout's index is small and names everything, a file has its times, or is read."""
    try:
        if kind == "oci":
            index = path / "index.json"
            return sha256_digest(index.read_bytes()) if index.is_file() else ""
        found = path.stat()
        if not shows_changes(path, found.st_mtime_ns, found.st_ctime_ns):
            hasher = hashlib.sha256()
            with path.open("rb", buffering=0) as file:
                while chunk := file.read(1 << 20):
                    hasher.update(chunk)
            return f"sha256:{hasher.hexdigest()}"
    except OSError as error:
        raise BaseImageError(f"{path} cannot be read: {error.strerror}") from None
    place = os.path.realpath(path)
    return f"{place}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}"


def summary_of(base: Base, *, cached: bool) -> Summary:
    """What the phase `base` ends with."""
    size = sum(layer.size for layer in base.layers)
    return Summary(
        count=len(base.layers),
        noun="layers",
        size=size,
        cached=len(base.layers) if cached else 0,
        cached_size=size if cached else 0,
        detail=f"{base.name}, Python {base.interpreter.version}",
    )
