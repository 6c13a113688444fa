"""Two images are compared by what they hold, however it lies in layers."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tinyimages
from tinyimages import metadata, tar_of

from envbuild.attesting.differences import Change, differences
from envbuild.attesting.layers import in_store
from envbuild.attesting.opened import Opened
from envbuild.oci.store import Store
from envbuild.oci.types import Layer

BASE = {
    "usr/lib/os-release": "ID=debian\nVERSION_ID=12\n",
    "var/lib/dpkg/status": "Package: libc6\nStatus: install ok installed\nVersion: 2.36\nArchitecture: amd64\n\n"
    "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n",
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def opened(store: Store, *tars: bytes, **settings: Any) -> Opened:
    made = tinyimages.image(store, tars, **settings)
    return Opened(
        name="image",
        platform="linux/amd64",
        platforms=("linux/amd64",),
        config={"architecture": "amd64", "os": "linux", "config": settings, "rootfs": {}, "history": []},
        config_digest=made.config_digest,
        manifest_digest=made.manifest_digest,
        index_digest="",
        annotations={},
        layers=made.layers,
        blobs=in_store(store),
    )


def told(changes: tuple[Change, ...]) -> dict[str, tuple[str, str, str]]:
    return {change.name: (change.how, change.before, change.after) for change in changes}


def test_equal_images_have_no_difference_also_when_they_are_packed_or_layered_otherwise(store: Store) -> None:
    one = opened(store, tar_of(BASE), tar_of(metadata("numpy", "1.0")))
    assert not differences(one, one).any
    packed = [(x, gzip.compress(store.read(x.digest))) for x in one.layers]
    layers = tuple(Layer(diff_id=x.diff_id, digest=store.put(data), size=len(data)) for x, data in packed)
    found = differences(one, replace(one, layers=layers))
    assert not found.any
    assert found.layers == (2, 0, 0)
    flat = differences(one, opened(store, tar_of({**BASE, **metadata("numpy", "1.0")})))
    assert not flat.any
    assert flat.layers == (0, 2, 1)


def test_packages_are_compared_like_a_change_log(store: Store) -> None:
    status = BASE["var/lib/dpkg/status"]
    newer = {**BASE, "var/lib/dpkg/status": status.replace("2.36", "2.37")}
    one = opened(store, tar_of(BASE), tar_of({**metadata("numpy", "1.0"), **metadata("old", "3")}))
    other = opened(store, tar_of(newer), tar_of({**metadata("numpy", "2.0"), **metadata("new", "4")}))
    assert told(differences(one, other).packages) == {
        "debian libc6": ("changed", "2.36", "2.37"),
        "python new": ("added", "", "4"),
        "python numpy": ("changed", "1.0", "2.0"),
        "python old": ("removed", "3", ""),
    }


def test_files_are_compared_by_path(store: Store) -> None:
    before: Mapping[str, str] = {"same": "1", "content": "1", "gone": "abc", "link": "a->", "kind": "x"}
    after: Mapping[str, str] = {"same": "1", "content": "22", "link": "b->", "kind": "a->", "folder/new": ""}
    found = told(differences(opened(store, tar_of(before)), opened(store, tar_of(after))).files)
    assert set(found) == {"/content", "/gone", "/link", "/kind", "/folder", "/folder/new"}
    assert found["/gone"] == ("removed", "3 bytes", "")
    assert found["/folder/new"] == ("added", "", "0 bytes")
    assert found["/link"] == ("changed", "to a", "to b")
    how, one, other = found["/content"]
    assert how == "changed"
    assert one.startswith("1 bytes, sha256:")
    assert other.startswith("2 bytes, sha256:")
    assert found["/kind"][1].startswith("file, ")
    assert found["/kind"][2].startswith("link, ")


def test_settings_are_taken_apart(store: Store) -> None:
    one = opened(store, tar_of({}), Env=["A=1", "B=2", "E="], Cmd=["x"], User="1", Labels={"l": "1"})
    other = opened(
        store, tar_of({}), Env=["B=3", "A=1", "C=", "E="], Cmd=["x", "y"], Labels={"l": "1"}, Volumes={"/d": {}}
    )
    assert told(differences(one, other).settings) == {
        "Cmd": ("changed", '["x"]', '["x", "y"]'),
        "Env.B": ("changed", "2", "3"),
        "Env.C": ("added", "", '""'),
        "User": ("removed", "1", ""),
        "Volumes./d": ("added", "", "{}"),
    }


def test_a_layer_that_both_have_is_read_once(store: Store) -> None:
    shared = tar_of({"a": "1"})
    one, other = opened(store, shared, tar_of({"b": "1"})), opened(store, shared, tar_of({"b": "2"}))
    read: list[str] = []

    def blobs(layer: Layer) -> Any:
        read.append(layer.digest)
        return store.stream(layer.digest)

    differences(replace(one, blobs=blobs), replace(other, blobs=blobs))
    assert len(read) == len(set(read)) == 3
    differences(replace(one, blobs=blobs), replace(one, blobs=blobs))
    assert len(read) == 3
