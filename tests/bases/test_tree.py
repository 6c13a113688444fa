"""What a stack of layers amounts to, read without unpacking it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from envbuild.bases.tree import read_tree
from envbuild.errors import BaseImageError
from envbuild.oci.store import Store
from envbuild.oci.types import Layer


def layer(store: Store, *members: tuple[str, bytes, str]) -> Layer:
    """A layer of (path, tar type, link target) entries without content."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, kind, target in members:
            info = tarfile.TarInfo(path)
            info.type, info.linkname = kind, target
            tar.addfile(info)
    digest = store.put(out.getvalue())
    return Layer(diff_id=digest, digest=digest, size=len(out.getvalue()))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_a_hard_link_is_the_file_that_it_names(store: Store) -> None:
    lower = layer(store, ("usr/bin/python3.11", tarfile.REGTYPE, ""))
    upper = layer(store, ("usr/bin/python3", tarfile.LNKTYPE, "usr/bin/python3.11"))
    tree = read_tree(store, (lower, upper))
    assert tree.is_file("usr/bin/python3")
    assert tree.resolve("usr/bin/python3") == "usr/bin/python3"


def test_a_link_is_followed_from_layer_to_layer(store: Store) -> None:
    lower = layer(store, ("usr/bin/python3.11", tarfile.REGTYPE, ""))
    upper = layer(store, ("bin", tarfile.SYMTYPE, "/usr/bin"), ("opt/python", tarfile.SYMTYPE, "../bin/python3.11"))
    assert read_tree(store, (lower, upper)).resolve("/opt/python") == "usr/bin/python3.11"


def test_what_an_upper_layer_removes_is_gone(store: Store) -> None:
    lower = layer(store, ("usr/bin/python3.11", tarfile.REGTYPE, ""), ("usr/bin/sh", tarfile.REGTYPE, ""))
    upper = layer(store, ("usr/bin/.wh.sh", tarfile.REGTYPE, ""))
    assert read_tree(store, (lower, upper)).children("usr/bin") == ["python3.11"]


def test_an_entry_that_leaves_the_image_is_refused(store: Store) -> None:
    with pytest.raises(BaseImageError, match="leaves the image"):
        read_tree(store, (layer(store, ("../evil", tarfile.REGTYPE, "")),))
