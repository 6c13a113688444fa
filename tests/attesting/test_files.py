"""The layers of an image give one tree, whatever they hide, and nothing that an image says is believed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tinyimages import put_layer, tar_of

from envbuild.attesting import files as module
from envbuild.attesting.files import Files, read_files
from envbuild.errors import BaseImageError, CorruptBlobError
from envbuild.oci.store import Store


def read(tmp_path: Path, *layers: bytes) -> Files:
    store = Store(tmp_path / "store")
    made = [put_layer(store, layer) for layer in layers]
    return read_files(store, made, keep=lambda _: True, hashed=lambda _: True)


def paths(files: Files) -> list[str]:
    return sorted(path for path, entry in files.entries.items() if entry.kind != "folder")


def test_an_upper_layer_replaces_and_hides(tmp_path: Path) -> None:
    lower = tar_of({"a": "1", "b": "2", "d/e": "3", "d/f": "4", "g/h/i": "5"})
    upper = tar_of({"a": "9", ".wh.b": "", "d/.wh..wh..opq": "", "d/new": "6", "g": "a file now"})
    files = read(tmp_path, lower, upper)
    assert paths(files) == ["a", "d/new", "g"]
    assert {path: files.text(path) for path in files.texts} == {"a": "9", "d/new": "6", "g": "a file now"}


def test_links_are_followed_inside(tmp_path: Path) -> None:
    layer = tar_of(
        {"usr/lib/x": "content", "lib": "usr/lib->", "out": "../../etc/passwd->"}, links={"hard": "usr/lib/x"}
    )
    files = read(tmp_path, layer)
    assert files.text("lib/x") == "content"
    assert files.text("out") == ""
    assert files.entries["hard"] == files.entries["usr/lib/x"]
    assert len(files.entries["hard"].sha256) == 64


def test_a_replaced_file_leaves_no_text_behind(tmp_path: Path) -> None:
    files = read(tmp_path, tar_of({"a": "1"}), tar_of({"a": "b->"}))
    assert files.entries["a"].kind == "link"
    assert files.texts == {}


@pytest.mark.parametrize("name", ["../etc/passwd", "a/../../b", "/../x"])
def test_a_name_that_leaves_the_image_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BaseImageError, match="leaves the image"):
        read(tmp_path, tar_of({name: "x"}))


def test_what_has_no_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 3)
    with pytest.raises(BaseImageError, match="more than 3 files"):
        read(tmp_path, tar_of({"a": ""}), tar_of({"b": "", "c": "", "d": ""}))
    monkeypatch.setattr(module, "_LARGEST_TEXT", 3)
    with pytest.raises(BaseImageError, match="/long of the image is too large"):
        read(tmp_path, tar_of({"long": "1234"}))


def test_a_damaged_blob_and_a_layer_that_is_no_tar_are_told(tmp_path: Path) -> None:
    with pytest.raises(BaseImageError, match="no readable tar"):
        read(tmp_path, b"no tar" * 1000)
    store = Store(tmp_path / "store")
    layer = put_layer(store, tar_of({"a": "1"}))
    blob = store.blob(layer.digest)
    blob.chmod(0o644)
    blob.write_bytes(b"x" * layer.size)
    with pytest.raises(CorruptBlobError):
        read_files(store, [layer], keep=lambda _: True, hashed=lambda _: True)


def test_a_hard_link_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BaseImageError, match="which the image does not have"):
        read(tmp_path, tar_of({}, links={"a": "../b"}))
