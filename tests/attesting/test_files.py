"""The layers of an image give one tree, whatever they hide, and nothing that an image says is believed."""

from __future__ import annotations

import gzip
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from tinyimages import put_layer, tar_of

from envbuild.attesting import files, layers
from envbuild.attesting.files import Files, read_files
from envbuild.attesting.layers import in_store
from envbuild.errors import BaseImageError, CorruptBlobError
from envbuild.oci.store import Store


def read(tmp_path: Path, *tars: bytes) -> Files:
    store = Store(tmp_path / "store")
    made = [put_layer(store, tar) for tar in tars]
    return read_files(in_store(store), made, keep=lambda _: True, hashed=lambda _: True)


def paths(found: Files) -> list[str]:
    return sorted(path for path, entry in found.entries.items() if entry.kind != "folder")


def test_an_upper_layer_replaces_and_hides(tmp_path: Path) -> None:
    lower = tar_of({"a": "1", "b": "2", "d/e": "3", "d/f": "4", "g/h/i": "5"})
    upper = tar_of({"a": "9", ".wh.b": "", "d/.wh..wh..opq": "", "d/new": "6", "g": "a file now"})
    found = read(tmp_path, lower, upper)
    assert paths(found) == ["a", "d/new", "g"]
    assert {path: found.text(path) for path in found.texts} == {"a": "9", "d/new": "6", "g": "a file now"}


def test_links_are_followed_inside(tmp_path: Path) -> None:
    layer = tar_of(
        {"usr/lib/x": "content", "lib": "usr/lib->", "out": "../../etc/passwd->"}, links={"hard": "usr/lib/x"}
    )
    found = read(tmp_path, layer)
    assert found.text("lib/x") == "content"
    assert found.text("out") == ""
    assert found.entries["hard"] == found.entries["usr/lib/x"]
    assert len(found.entries["hard"].sha256) == 64


def test_a_replaced_file_leaves_no_text_behind(tmp_path: Path) -> None:
    found = read(tmp_path, tar_of({"a": "1"}), tar_of({"a": "b->"}))
    assert found.entries["a"].kind == "link"
    assert found.texts == {}


@pytest.mark.parametrize("name", ["../etc/passwd", "a/../../b", "/../x"])
def test_a_name_that_leaves_the_image_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BaseImageError, match="leaves the image"):
        read(tmp_path, tar_of({name: "x"}))


def test_what_has_no_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 3)
    with pytest.raises(BaseImageError, match="more than 3 files"):
        read(tmp_path, tar_of({"a": ""}), tar_of({"b": "", "c": "", "d": ""}))
    monkeypatch.setattr(layers, "_LARGEST_TEXT", 3)
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
        read_files(in_store(store), [layer], keep=lambda _: True, hashed=lambda _: True)


def test_a_hard_link_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BaseImageError, match="which the image does not have"):
        read(tmp_path, tar_of({}, links={"a": "../b"}))


def test_a_hard_link_reaches_a_file_of_a_layer_below(tmp_path: Path) -> None:
    found = read(tmp_path, tar_of({"a": "1"}), tar_of({".wh.a": ""}, links={"b": "a"}))
    assert paths(found) == ["b"]
    assert found.text("b") == "1"


def test_a_folder_that_is_only_implied_leaves_the_link_below_it_alone(tmp_path: Path) -> None:
    found = read(tmp_path, tar_of({"usr/lib/x": "1", "lib": "usr/lib->"}), tar_of({"lib/y": "2"}))
    assert found.entries["lib"].kind == "link"


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_compressed_layers_are_read(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    assert read(tmp_path, pack(tar_of({"a": "1"}))).text("a") == "1"


def test_damaged_compression_is_told(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(random.Random(1).randbytes(100_000)))
    packed[5000:5100] = bytes(100)
    for data in (bytes(packed), gzip.compress(tar_of({"a": "1" * 50_000}))[:-30], b"\x28\xb5\x2f\xfd" + bytes(100)):
        with pytest.raises(BaseImageError, match="no readable tar"):
            read(tmp_path, data)


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sparse").touch()
    with (tmp_path / "sparse").open("wb") as out:
        out.truncate(1 << 30)
    subprocess.run(["tar", "-S", "-cf", "s.tar", "sparse"], cwd=tmp_path, check=True)
    with pytest.raises(BaseImageError, match="a sparse file"):
        read(tmp_path, (tmp_path / "s.tar").read_bytes())
