"""The model, the scoring script and the record of an image, taken out of its layers into a folder of this machine."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ..attesting.layers import Blobs
from ..bases.unpack import entries
from ..errors import BaseImageError
from ..oci.disk import storage_errors
from ..oci.types import Layer
from ..planner.paths import CODE, MODEL, RECORD
from ..records import dataclass as value
from .reading import opened_tar

_LARGEST_RECORD = 64 << 20
_MOST_FILES = 200_000
_CHUNK = 1 << 20


@value(frozen=True, slots=True, kw_only=True)
class Piece:
    """A regular file of the image: its SHA-256 (hex), its size in bytes, where it is now, and its layer's number."""

    sha256: str
    size: int
    executable: bool
    source: Path
    layer: int


@dataclass(slots=True)
class Taken:
    """What was taken. `model` and `script` are by path, relative to their folders below `root`."""

    root: Path
    record: bytes | None = None
    model: dict[str, Piece] = field(default_factory=dict)
    script: dict[str, Piece] = field(default_factory=dict)


def take(blobs: Blobs, layers: Sequence[Layer], first: int, root: Path) -> Taken:
    """Copy the files out of `layers` from number `first` on into the empty folder `root`.

    Regular files alone, by paths that stay inside; whatever else lies among them is found when layers are compared.
    BaseImageError, IntegrityError for a layer that is not what the image's config says, StorageError.
    """
    taken = Taken(root=root)
    with storage_errors(root):
        for name in ("model", "code"):
            (root / name).mkdir()
    for number in range(first, len(layers)):
        with opened_tar(blobs, layers[number]) as tar:
            for parts, member in entries(tar, layers[number]):
                path = "/".join(parts)
                if path == RECORD and member.isreg():
                    taken.record = _small(tar, member)
                for folder, name, found in ((MODEL, "model", taken.model), (CODE, "code", taken.script)):
                    inside = path.removeprefix(f"{folder}/")
                    if inside != path and member.isreg() and _is_name(inside):
                        found[inside] = _copy(tar, member, root / name / inside, number)
            if len(taken.model) + len(taken.script) > _MOST_FILES:
                raise BaseImageError(f"the image's model and script have more than {_MOST_FILES} files")
    return taken


def _is_name(path: str) -> bool:
    """Whether a model's file can be called that: what is not UTF-8 no build has laid down."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _small(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if member.size > _LARGEST_RECORD:
        raise BaseImageError(f"/{RECORD} of the image has {member.size} bytes; {_LARGEST_RECORD} are the most")
    content = tar.extractfile(member)
    return content.read() if content is not None else b""


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, number: int) -> Piece:
    content = tar.extractfile(member)
    assert content is not None  # a regular file
    with storage_errors(target):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            sha256 = _write(content, target)
            target.chmod(0o755 if member.mode & 0o100 else 0o644)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise BaseImageError(f"/{'/'.join(member.name.split('/'))} of the image is a file and a folder") from None
    return Piece(sha256=sha256, size=member.size, executable=bool(member.mode & 0o100), source=target, layer=number)


def _write(content: IO[bytes], target: Path) -> str:
    summed = hashlib.sha256()
    with target.open("xb") as out:
        while chunk := content.read(_CHUNK):
            summed.update(chunk)
            out.write(chunk)
    return summed.hexdigest()
