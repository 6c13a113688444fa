from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from packing import TEXT, blobs, damage, plain

from envbuild.oci.compress import Compression, compressed
from envbuild.oci.layer import build_layer, layer_from_key, remember_layer
from envbuild.oci.maintenance import prune, verify
from envbuild.oci.store import Store

_DAY = 86400


def _age(path: Path, days: float) -> None:
    then = time.time() - days * _DAY
    os.utime(path, (then, then))


def test_verify_of_a_store_that_does_not_exist(store: Store) -> None:
    assert verify(store) == []
    assert prune(store, days=0) == (0, 0)
    assert not store.root.exists()


def test_verify_removes_what_is_damaged_and_the_keys_to_it(store: Store) -> None:
    good = build_layer(store, lambda tar: tar.data("a", b"a"))
    bad = build_layer(store, lambda tar: tar.data("b", b"b"))
    remember_layer(store, "good", good)
    remember_layer(store, "bad", bad)
    store.put_key("unreadable", {})
    unreadable = next(path for path in store.key_files() if b"unreadable" in path.read_bytes())
    unreadable.write_bytes(b"{")
    store.blob(bad.digest).write_bytes(store.blob(bad.digest).read_bytes()[:-1] + b"x")
    (store.root / "blobs/sha256/stray").write_bytes(b"")
    _age(store.blob(good.digest), 3)

    removed = verify(store)
    assert bad.digest in removed
    assert "blobs/sha256/stray" in removed
    assert f"keys/{unreadable.name}" in removed
    assert len(removed) == 4
    assert time.time() - store.blob(good.digest).stat().st_mtime > 2 * _DAY, "verify is not a use"
    assert layer_from_key(store, "good") == good
    assert layer_from_key(store, "bad") is None
    assert verify(store) == []


def test_prune_goes_by_the_last_use(store: Store) -> None:
    old = build_layer(store, lambda tar: tar.data("old", b""))
    used = build_layer(store, lambda tar: tar.data("used", b""))
    for name, layer in (("old", old), ("used", used)):
        remember_layer(store, name, layer)
        _age(store.blob(layer.digest), 31)
    for key in store.key_files():
        _age(key, 31)
    assert layer_from_key(store, "used") == used

    count, size = prune(store, days=30)
    assert count == 2
    assert size > old.size
    assert layer_from_key(store, "old") is None
    assert layer_from_key(store, "used") == used
    assert prune(store, days=0)[0] == 2
    assert not store.has(used.digest)


def test_prune_removes_a_key_with_its_blob(store: Store) -> None:
    layer = build_layer(store, lambda tar: tar.data("a", b""))
    remember_layer(store, "fresh key", layer)
    _age(store.blob(layer.digest), 31)
    assert prune(store, days=30)[0] == 2
    assert store.key_files() == []


def test_prune_removes_leftovers_of_dead_runs_but_not_of_living_ones(store: Store) -> None:
    store.create()
    for name, days in (("blob-dead", 2.0), ("blob-living", 0.1)):
        (store.root / "tmp" / name).write_bytes(b"xyz")
        _age(store.root / "tmp" / name, days)
    folder = store.root / "tmp" / "dir-dead"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").write_bytes(b"12345")
    _age(folder, 2)
    assert prune(store, days=30) == (2, 8)
    assert [path.name for path in (store.root / "tmp").iterdir()] == ["blob-living"]


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_prune_and_verify_take_the_key_with_a_compressed_blob(store: Store, kind: Compression) -> None:
    layer = plain(store, TEXT)
    made = compressed(store, layer, kind)
    _age(store.blob(made.digest), 31)
    assert prune(store, days=30)[0] == 2
    assert blobs(store) == {layer.digest}
    assert store.key_files() == []

    assert compressed(store, layer, kind) == made
    (key,) = store.key_files()
    damage(store, made.digest)
    assert verify(store) == sorted([made.digest, f"keys/{key.name}"])
    assert compressed(store, layer, kind) == made
    assert verify(store) == []


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_use_of_a_compressed_blob_keeps_it(store: Store, kind: Compression) -> None:
    layer = plain(store, TEXT)
    made = compressed(store, layer, kind)
    for path in (store.blob(made.digest), *store.key_files()):
        _age(path, 31)
    assert compressed(store, layer, kind) == made
    assert prune(store, days=30) == (0, 0)


def test_folders_that_foreign_code_locked_are_removed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o500)
    with store.temporary() as folder:
        (folder / "a" / "b").mkdir(parents=True)
        (folder / "a" / "b" / "file").write_bytes(b"")
        (folder / "a" / "link").symlink_to(tmp_path / "elsewhere")
        (folder / "a" / "b").chmod(0)
        (folder / "a").chmod(0)
    assert not folder.exists()
    left = store.root / "tmp" / "left"
    (left / "a" / "b").mkdir(parents=True)
    (left / "a").chmod(0)
    _age(left, 3)
    assert prune(store, days=0)[0] == 1
    assert not left.exists()
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o500


@pytest.mark.parametrize("by", ["its run", "prune"])
def test_folders_deeper_than_a_path_can_be_long_are_removed(store: Store, by: str) -> None:
    with store.temporary() as folder:
        pass
    left = store.root / "tmp" / "left"
    left.mkdir()
    deep = os.open(left, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d" * 200, dir_fd=deep)
        above, deep = deep, os.open("d" * 200, os.O_RDONLY, dir_fd=deep)
        os.close(above)
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=deep))
    os.close(deep)
    if by == "prune":
        _age(left, 3)
        assert prune(store, days=0)[0] == 1
    else:
        with store.temporary() as folder:
            left.rename(folder / "left")
    assert not list((store.root / "tmp").iterdir())
