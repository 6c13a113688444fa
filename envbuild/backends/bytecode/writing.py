"""Compiled groups become one layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...errors import CorruptBlobError
from ...oci.layer import build_layer
from .compile import Group, Toolchain, compile_groups, pyc_path
from .records import unpack

if TYPE_CHECKING:
    from ...oci.store import Store
    from ...oci.tar import LayerTar
    from ...oci.types import Layer


def write_layer(groups: Sequence[Group], toolchain: Toolchain, store: Store) -> Layer:
    """Compile what is not remembered, and lay all of it into one tar. Damaged blobs are made anew, once."""
    dropped: set[str] = set()
    while True:
        digests = compile_groups(groups, toolchain, store)

        def write(tar: LayerTar, digests: Sequence[str] = digests) -> None:
            for digest in digests:
                for path, content in unpack(store.read(digest)):
                    tar.data(pyc_path(path, toolchain.tag), content)

        try:
            return build_layer(store, write)
        except CorruptBlobError as error:
            if error.digest in dropped:
                raise
            dropped.add(error.digest)
            store.drop(error.digest)
