"""A layer of envbuild's with another text or link in it, and otherwise byte for byte what it was."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from dataclasses import replace
from typing import IO, cast

from ..attesting.layers import Blobs
from ..errors import BaseImageError
from ..oci.layer import build_layer
from ..oci.store import Store
from ..oci.tar import LayerTar
from ..oci.types import Layer
from ..oci.untrusted import members
from ..records import dataclass
from ..verifying.reading import opened_tar
from .types import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is in a layer at some paths: the texts of files, the targets of links."""

    texts: Mapping[str, str]
    links: Mapping[str, str]


def with_content(part: Part, blobs: Blobs, store: Store, before: Content, after: Content) -> Part:
    """The part with what `after` says in place of `before`; the part itself where they are the same.

    BaseImageError where the layer is not what envbuild writes: then more than this would change. IntegrityError where
    it is not what the image's config says.
    """
    if before == after:
        return part
    if _copied(part.layer, blobs, store, before).diff_id != part.layer.diff_id:
        raise BaseImageError(
            f"the layer {part.title!r} of the image is not as this envbuild writes it",
            hint="build the image anew with `envbuild image`",
        )
    # Its annotations tell what it was made from, which is not what it holds now.
    return replace(part, layer=_copied(part.layer, blobs, store, after), notes={}, how="written")


def _copied(layer: Layer, blobs: Blobs, store: Store, content: Content) -> Layer:
    def write(out: LayerTar) -> None:
        with opened_tar(blobs, layer) as tar:
            for member in members(tar):
                _write(out, tar, member, content)

    return build_layer(store, write)


def _write(out: LayerTar, tar: tarfile.TarFile, member: tarfile.TarInfo, content: Content) -> None:
    path = member.name.rstrip("/")
    if path in content.texts:
        out.data(path, content.texts[path].encode())
    elif path in content.links:
        out.symlink(path, content.links[path])
    elif member.isdir():
        out.directory(path, member.mode & 0o7777)
    elif member.issym():
        out.symlink(path, member.linkname)
    elif member.isreg():
        out.file(path, cast("IO[bytes]", tar.extractfile(member)), member.size, member.mode & 0o7777)
    else:
        raise BaseImageError(f"/{path} of the image is of no kind that envbuild writes")
