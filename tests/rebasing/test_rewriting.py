"""A layer is written anew with one text changed, or not at all."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from tinyimages import put_layer

from envbuild.attesting.layers import in_store
from envbuild.errors import BaseImageError, IntegrityError
from envbuild.oci.layer import build_layer
from envbuild.oci.store import Store
from envbuild.oci.tar import LayerTar
from envbuild.oci.types import Layer
from envbuild.rebasing.rewriting import Content, with_content
from envbuild.rebasing.types import Part

OLD, NEW = ({"text": f"{word}\n"} for word in ("old", "new"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def layer(store: Store, text: Mapping[str, str]) -> Layer:
    def write(out: LayerTar) -> None:
        out.directory("folder", 0o755)
        out.data("folder/other", b"as it is")
        out.symlink("link", "text")
        out.data("text", text["text"].encode())

    return build_layer(store, write)


def rewritten(store: Store, old: Layer) -> Part:
    before, after = (Content(texts=texts, links={}) for texts in (OLD, NEW))
    return with_content(Part(layer=old, title="server x"), in_store(store), store, before, after)


def test_all_but_the_text_stays(store: Store) -> None:
    found = rewritten(store, layer(store, OLD))
    assert (found.layer, found.how) == (layer(store, NEW), "written")


def test_a_layer_with_another_text_is_left_alone(store: Store) -> None:
    with pytest.raises(BaseImageError, match="is not as this envbuild writes it"):
        rewritten(store, layer(store, {"text": "mine\n"}))


def test_a_layer_that_is_another_than_it_says_is_refused(store: Store) -> None:
    old = layer(store, {"text": "mine\n"})
    with pytest.raises(IntegrityError, match="unpacks to"):
        rewritten(store, Layer(diff_id=layer(store, OLD).diff_id, digest=old.digest, size=old.size))


@pytest.mark.parametrize("headers", [{"GNU.sparse.map": "a,b"}, {"comment": "x" * (2 << 20)}], ids=["map", "endless"])
def test_headers_that_make_no_sense_are_refused(store: Store, headers: dict[str, str]) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("file")
        info.size, info.pax_headers = 1, headers
        tar.addfile(info, io.BytesIO(b"x"))
    with pytest.raises(BaseImageError, match=r"makes no sense|has a header of"):
        rewritten(store, put_layer(store, out.getvalue()))
